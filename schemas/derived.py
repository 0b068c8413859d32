"""What follows from an event or a tick by plain arithmetic: the one place for it, for tables, API and core.

Pure. Only the audit has code of its own for it, so that a mistake here is found there. What a price is worth is a rule
of the core too, which decides it by its own records; a test compares the two.
"""

from typing import Literal, NamedTuple, TypeVar, assert_never

from schemas.bounds import CANDIDATE_AGE_MAX, PRICE_AGE_MAX
from schemas.event_groups import FillEvent, MoneyEvent
from schemas.events import AccountOpened, Deposited, PositionClosed, PositionOpened, PositionReduced, Withdrawn
from schemas.messages import Side

# Ticks of the ledger, or ticks as a row or a client has them.
PriceT = TypeVar("PriceT", bound=int)

PriceState = Literal["none", "unconfirmed", "stale", "fresh"]
LedgerKind = Literal["deposit", "withdrawal", "fee", "realized_pnl", "liquidation_fee"]


class BookChange(NamedTuple):
    """By how much an event changes an account's own books. Micros, signed."""

    cash: int
    used_margin: int


class LedgerEntry(NamedTuple):
    """A change of an account's balance. number: from 0 within the event; amounts: micros, signed, never 0."""

    number: int
    kind: LedgerKind
    amount: int
    balance_after: int
    position_id: str | None


def entry_price(side: Side, bid: PriceT, ask: PriceT) -> PriceT:
    """Give the price in ticks at which a position opens: a long at the ask, a short at the bid."""
    return ask if side == "long" else bid


def exit_price(side: Side, bid: PriceT, ask: PriceT) -> PriceT:
    """Give the price in ticks at which a position closes: a long at the bid, a short at the ask."""
    return bid if side == "long" else ask


def price_state(heard_at: int | None, now: int, *, held_at: int | None, feed_changed: bool) -> PriceState:
    """Say what a symbol's price is worth at a time, by the first that holds. Times in µs.

    heard_at: when its last accepted tick or a later alive mark came, null before the first tick. held_at: since when a
    tick waits for confirmation, null where none does. feed_changed: another feed was selected since the tick. As
    version 2 of the rules has it: a stale price whose held tick is forgotten is stale, and under version 1 the engine
    still calls it unconfirmed.
    """
    if heard_at is None:
        return "none"
    is_stale = feed_changed or now - heard_at >= PRICE_AGE_MAX
    if held_at is not None and not (is_stale and now - held_at >= CANDIDATE_AGE_MAX):
        return "unconfirmed"
    return "stale" if is_stale else "fresh"


def realized_pnl(event: PositionClosed | PositionReduced) -> int:
    """Give what a close gained or lost its owner before fees, in micros.

    Nobody loses more than the margin: a shortfall, which the insurance fund pays or which is written off, is no loss of
    the owner's. The close of a part has none.
    """
    return event.profit + event.shortfall if isinstance(event, PositionClosed) else event.profit


def book_change(event: MoneyEvent) -> BookChange:
    """Post an event's legs to the two books of its account."""
    cash = used_margin = 0
    for leg in event.legs:
        if leg.target == "CASH":
            cash += leg.amount
        elif leg.target == "MARGIN":
            used_margin += leg.amount
        if leg.source == "CASH":
            cash -= leg.amount
        elif leg.source == "MARGIN":
            used_margin -= leg.amount
    return BookChange(cash, used_margin)


def ledger_entries(event: MoneyEvent, balance: int) -> list[LedgerEntry]:
    """Explain what an event changes an account's balance by, kind by kind; balance: before it, in micros."""
    position_id = event.position_id if isinstance(event, FillEvent) else None
    entries: list[LedgerEntry] = []
    after = balance
    for kind, amount in _balance_changes(event):
        if amount != 0:
            after += amount
            entries.append(LedgerEntry(len(entries), kind, amount, after, position_id))
    assert after == balance + sum(book_change(event)), f"the ledger entries of event {event.seq} are not its legs"
    return entries


def _balance_changes(event: MoneyEvent) -> list[tuple[LedgerKind, int]]:
    match event:
        case AccountOpened():
            return [("deposit", event.first_deposit)]
        case Deposited():
            return [("deposit", event.amount)]
        case Withdrawn():
            return [("withdrawal", -event.amount)]
        case PositionOpened():
            return [("fee", -event.fee)]
        case PositionReduced():
            return [("realized_pnl", realized_pnl(event)), ("fee", -event.fee)]
        case PositionClosed():
            return [
                ("realized_pnl", realized_pnl(event)),
                ("fee", -event.fee),
                ("liquidation_fee", -event.liquidation_fee),
            ]
        case _:
            assert_never(event)
