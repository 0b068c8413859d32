"""What follows from an event or a tick, worked out by hand."""

from itertools import product
from typing import Any, get_args

import pytest

from engine.core.prices import condition
from engine.core.rules import newest_rules
from engine.core.state import State, genesis
from schemas.bounds import CANDIDATE_AGE_MAX, PRICE_AGE_MAX
from schemas.derived import (
    BookChange,
    LedgerEntry,
    LedgerKind,
    PriceState,
    book_change,
    entry_price,
    exit_price,
    ledger_entries,
    price_state,
    realized_pnl,
)
from schemas.event_groups import MoneyEvent
from schemas.events import (
    AccountOpened,
    Deposited,
    EventHeader,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    Withdrawn,
)
from schemas.ledger_records import Candidate, Market, Quote
from schemas.messages import Leg
from schemas.record import field_names, made
from schemas.units import MICROS_PER_USDC as USDC
from schemas.units import Micros, Ticks, Timestamp

SYMBOL = "BTC_USDC"
HEARD_AT = 1_000_000
HELD_AT = HEARD_AT + 100_000
# What is no number in events that move money.
WORDS = {"symbol": SYMBOL, "side": "long", "reason": "manual", "client_order_id": None, "warnings": ()}


def money_event(event_type: type, *legs: tuple[Any, Any, int], **fields: int) -> Any:
    """Make an event that moves money."""
    nobody = dict.fromkeys(field_names(EventHeader)) | {"seq": 0, "command_offset": 0, "index": 0, "time": Timestamp(0)}
    known: dict[str, Any] = dict.fromkeys(field_names(event_type), 0) | WORDS | nobody
    given: dict[str, Any] = {
        "legs": tuple(Leg(source=one, target=other, amount=Micros(amount)) for one, other, amount in legs)
    }
    if "position_id" in known:
        given["position_id"] = "2-7"
    of_type = {name: value for name, value in (known | given | fields).items() if name in field_names(event_type)}
    return made(event_type, of_type)


def closed(*, profit: int, margin: int, fee: int = 0, liquidation_fee: int = 0) -> PositionClosed:
    """Close a position of this margin at this profit."""
    equity = margin + profit
    shortfall, returned = max(0, -equity), max(0, equity) - fee - liquidation_fee
    legs = [
        ("HOUSE", "MARGIN", profit),
        ("MARGIN", "HOUSE", min(-profit, margin)),
        ("MARGIN", "INSURANCE", liquidation_fee),
        ("MARGIN", "FEES", fee),
        ("MARGIN", "CASH", returned),
    ]
    made: PositionClosed = money_event(
        PositionClosed,
        *(leg for leg in legs if leg[2] > 0),
        profit=profit,
        margin=margin,
        equity=equity,
        fee=fee,
        liquidation_fee=liquidation_fee,
        shortfall=shortfall,
        returned=returned,
    )
    return made


def entries(event: MoneyEvent, balance: int) -> list[tuple[LedgerKind, int, int]]:
    return [(entry.kind, entry.amount, entry.balance_after) for entry in ledger_entries(event, balance)]


def test_a_long_opens_at_the_ask_and_closes_at_the_bid_and_a_short_the_other_way_round() -> None:
    assert (entry_price("long", 99, 101), exit_price("long", 99, 101)) == (101, 99)
    assert (entry_price("short", 99, 101), exit_price("short", 99, 101)) == (99, 101)


@pytest.mark.parametrize(
    ("heard_at", "now", "is_held", "feed_changed", "expected"),
    [
        (None, HEARD_AT, True, True, "none"),
        (HEARD_AT, HEARD_AT, True, True, "unconfirmed"),
        (HEARD_AT, HEARD_AT, False, True, "stale"),
        (HEARD_AT, HEARD_AT, False, False, "fresh"),
        (HEARD_AT, HEARD_AT + PRICE_AGE_MAX - 1, False, False, "fresh"),
        (HEARD_AT, HEARD_AT + PRICE_AGE_MAX, False, False, "stale"),
        (HEARD_AT, HEARD_AT + PRICE_AGE_MAX, True, False, "unconfirmed"),
    ],
)
def test_a_price_s_state_is_the_first_of_four_that_holds(
    heard_at: int | None, now: int, *, is_held: bool, feed_changed: bool, expected: PriceState
) -> None:
    held_at = now - 1 if is_held else None
    assert price_state(heard_at, now, held_at=held_at, feed_changed=feed_changed) == expected


def test_a_price_s_state_is_what_the_core_decides_by() -> None:
    seen = set()
    ages = (0, PRICE_AGE_MAX - 1, PRICE_AGE_MAX, PRICE_AGE_MAX + CANDIDATE_AGE_MAX)
    for has_quote, is_held, feed_changed, age in product((False, True), (False, True), (False, True), ages):
        state = market_of(has_quote=has_quote, is_held=is_held, feed_changed=feed_changed)
        heard_at, held_at = HEARD_AT if has_quote else None, HELD_AT if is_held else None
        found = price_state(heard_at, HEARD_AT + age, held_at=held_at, feed_changed=feed_changed)
        assert found == condition(state, SYMBOL, HEARD_AT + age)
        seen.add(found)
    assert seen == set(get_args(PriceState))


def market_of(*, has_quote: bool, is_held: bool, feed_changed: bool) -> State:
    """Give a ledger with one market in this condition."""
    state = genesis(shard=0, shards=1)
    state.rules_version = newest_rules()
    state.markets[SYMBOL] = market = Market(symbol=SYMBOL)
    if has_quote:
        market.quote = Quote(
            bid=Ticks(1),
            ask=Ticks(2),
            source_time=Timestamp(1),
            update_id=1,
            heard_at=Timestamp(HEARD_AT),
            offset=0,
            stale=feed_changed,
        )
    if is_held:
        market.candidate = Candidate(
            bid=Ticks(1), ask=Ticks(2), source_time=Timestamp(1), update_id=1, held_at=Timestamp(HELD_AT)
        )
    return state


def test_a_deposit_is_one_entry_and_a_deposit_of_nothing_none() -> None:
    opened = money_event(AccountOpened, ("EXTERNAL", "CASH", 5 * USDC), first_deposit=5 * USDC)
    assert ledger_entries(opened, 0) == [LedgerEntry(0, "deposit", 5 * USDC, 5 * USDC, None)]
    assert ledger_entries(money_event(AccountOpened), 0) == []
    assert entries(money_event(Deposited, ("EXTERNAL", "CASH", 7), amount=7), 3) == [("deposit", 7, 10)]
    assert entries(money_event(Withdrawn, ("CASH", "EXTERNAL", 3), amount=3), 10) == [("withdrawal", -3, 7)]


def test_an_opening_moves_cash_to_margin_and_changes_the_balance_by_its_fee_alone() -> None:
    opened = money_event(PositionOpened, ("CASH", "MARGIN", 100), ("CASH", "FEES", 2), margin=100, fee=2)
    assert book_change(opened) == BookChange(cash=-102, used_margin=100)
    assert ledger_entries(opened, 500) == [LedgerEntry(0, "fee", -2, 498, "2-7")]


def test_a_close_at_a_profit_returns_margin_and_profit_less_the_fee() -> None:
    event = closed(profit=30, margin=100, fee=2)
    assert book_change(event) == BookChange(cash=128, used_margin=-100)
    assert entries(event, 500) == [("realized_pnl", 30, 530), ("fee", -2, 528)]


def test_a_liquidation_s_fee_is_an_entry_of_its_own() -> None:
    event = closed(profit=-90, margin=100, liquidation_fee=4)
    assert entries(event, 500) == [("realized_pnl", -90, 410), ("liquidation_fee", -4, 406)]


@pytest.mark.parametrize(("profit", "realized"), [(-99, -99), (-100, -100), (-101, -100), (-250, -100)])
def test_an_owner_loses_no_more_than_the_margin(profit: int, realized: int) -> None:
    event = closed(profit=profit, margin=100)
    assert realized_pnl(event) == realized
    assert entries(event, 500) == [("realized_pnl", realized, 500 + realized)]


def test_a_part_realizes_its_profit_whole() -> None:
    legs = (("HOUSE", "MARGIN", 8), ("MARGIN", "FEES", 1), ("MARGIN", "CASH", 27))
    event: PositionReduced = money_event(PositionReduced, *legs, profit=8, fee=1)
    assert realized_pnl(event) == 8
    assert book_change(event) == BookChange(cash=27, used_margin=-20)
    assert ledger_entries(event, 500) == [
        LedgerEntry(0, "realized_pnl", 8, 508, "2-7"),
        LedgerEntry(1, "fee", -1, 507, "2-7"),
    ]


def test_entries_that_are_not_the_legs_are_a_defect() -> None:
    with pytest.raises(AssertionError, match="are not its legs"):
        ledger_entries(money_event(Deposited, ("EXTERNAL", "CASH", 7), amount=8), 0)
