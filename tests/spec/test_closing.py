"""Close: whole, by its owner only, at the exit price; the rest of the margin returns, and losses end at the margin."""

import pytest

from schemas.commands import ClosePosition
from schemas.events import PositionClosed
from schemas.messages import Side
from schemas.rejections import Rejection
from tests.spec.checks import closed_by_hand, opened, refused
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    ETH,
    SIDES,
    SOL,
    Number,
    close,
    deposit,
    given,
    long,
    market,
    opens,
    sent,
    short,
    wait,
)
from tests.spec.ledger_checks import balance, cash, fees, house, is_open, legs


@pytest.mark.parametrize(
    ("side", "symbol", "at", "then", "profit"),
    [
        ("long", BTC, 50_000, 50_100, 10),
        ("short", BTC, 50_000, 50_100, -10),
        ("long", ETH, 2_500, "2499.99", "-0.02"),
        ("short", ETH, 2_500, "2499.99", "0.02"),
        ("long", SOL, 125, "125.5", 20),
        ("short", SOL, 125, "125.5", -20),
    ],
)
def test_close_01_the_owner_closes_the_whole_position_and_the_result_is_cash(
    side: Side, symbol: str, at: Number, then: Number, profit: Number
) -> None:
    given(deposit(1_000), opens(side, symbol, margin=100, leverage=50, at=at), market(symbol, then)).when(
        close(1)
    ).then(closed_by_hand(1, at=then, profit=profit), is_open()).when(close(1)).then(
        refused(Rejection.POSITION_NOT_OPEN)
    )


@pytest.mark.parametrize("side", SIDES)
def test_close_02_a_long_closes_at_the_bid_and_a_short_at_the_ask(side: Side) -> None:
    given(deposit(1_000), market(BTC, 49_999, 50_001), opens(side, BTC, quantity="0.1", leverage=50)).when(
        close(1)
    ).then(closed_by_hand(1, at=49_999 if side == "long" else 50_001, profit="-0.2"), balance("999.8"))


def test_close_03_a_second_close_is_refused_and_moves_nothing() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), close(1)).when(close(1)).then(
        refused(Rejection.POSITION_NOT_OPEN), cash(1_000), house(0)
    )


def test_close_03_another_account_s_close_and_a_close_of_an_unknown_position_get_the_same_refusal() -> None:
    given(deposit(1_000), deposit(1_000, who=BOB), long(BTC, margin=100, leverage=50, at=50_000)).when(
        close(1, who=BOB),
        close(2),
        sent(ClosePosition(command_id="c", account_id=ALICE, position_id="")),
        sent(ClosePosition(command_id="d", account_id=ALICE, position_id="1-1")),
    ).then(*[refused(Rejection.POSITION_NOT_OPEN)] * 4, is_open(1), cash(1_000, who=BOB), balance(1_000))


def test_close_04_closing_needs_a_fresh_price() -> None:
    opened_long = (deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000))
    given(*opened_long, wait(5)).when(close(1)).then(refused(Rejection.PRICE_STALE), is_open(1))
    given(*opened_long, wait("4.997999")).when(close(1)).then(closed_by_hand(1))  # 4.999999 after the tick


def test_close_05_the_closing_fee_is_taken_from_the_remaining_margin_and_is_at_most_that_margin() -> None:
    terms = {"quantity": "0.1", "leverage": 50}
    given(deposit(1_000), long(BTC, **terms, at=50_000), fee_rate=1_000).when(close(1)).then(
        closed_by_hand(1, fee=5, returned=95), fees(10), cash(990)
    )
    given(deposit(1_000), long(BTC, **terms, at=50_000), fee_rate=100_000).when(close(1)).then(
        closed_by_hand(1, fee=100, returned=0), legs(("MARGIN", "FEES", 100)), fees(600), cash(400)
    )


def test_close_06_the_receipt_can_be_checked_with_a_calculator() -> None:
    exchange = (
        given(deposit(1_000), market(BTC, 49_990, 50_000), long(BTC, quantity="0.1", leverage=50))
        .when(market(BTC, 49_900, 49_910), close(1))
        .then(closed_by_hand(1, returned=90))
        .exchange
    )
    receipt = exchange.last[0]
    assert isinstance(receipt, PositionClosed)
    assert (receipt.quantity, receipt.entry_price, receipt.price) == (10_000, 500_000, 499_000)
    assert (receipt.entry_notional, receipt.notional, receipt.profit) == (5_000_000_000, 4_990_000_000, -10_000_000)
    assert (receipt.margin, receipt.equity, receipt.requirement) == (100_000_000, 90_000_000, 24_950_000)
    assert (receipt.bid, receipt.ask) == (499_000, 499_100)
    assert (receipt.reason, receipt.trigger_price) == ("manual", None)
    assert receipt.tick_offset == receipt.command_offset - 1
    assert receipt.tick_source_time == receipt.time - 1_000
    assert receipt.opened_at < receipt.time


def test_close_06_the_requirement_on_a_receipt_is_rounded_up() -> None:
    """0.500001 USDC x 0.5 % = 2,500.005 micros."""
    given(deposit(1_000), long(BTC, quantity="0.00001", leverage=100, at="50000.1")).when(close(1)).then(
        closed_by_hand(1, requirement="0.002501", equity="0.005001")
    )


def test_close_07_opposite_positions_are_closed_separately() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), short(BTC, margin=100, leverage=50)).when(
        market(BTC, 50_100), close(2)
    ).then(closed_by_hand(2, profit=-10), is_open(1), cash(890), balance(990))


def test_close_07_opening_and_closing_at_once_costs_the_spread_and_no_more() -> None:
    given(deposit(1_000), market(BTC, 49_990, 50_010)).when(
        long(BTC, quantity="0.1", leverage=50), close(1), short(BTC, quantity="0.1", leverage=50), close(2)
    ).then(opened(1), closed_by_hand(1, profit=-2), opened(2), closed_by_hand(2, profit=-2), cash(996), house(4))
