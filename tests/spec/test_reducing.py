"""Closing a part: its result and its share of the margin are paid, and the rest is the same position, only smaller."""

import pytest

from schemas.commands import ReduceOldest
from schemas.events import PositionReduced
from schemas.rejections import Rejection
from tests.spec.checks import amended, closed_by_hand, liquidated, oldest_reduced, reduced, refused, repeated, stopped
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    ETH,
    Number,
    Step,
    amend,
    close,
    close_only,
    deposit,
    each,
    given,
    halt,
    long,
    market,
    price,
    reduce,
    reduce_oldest,
    sent,
    short,
    wait,
)
from tests.spec.ledger_checks import balance, cash, fees, house, is_open, legs

OPENED = (deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000))  # 0.1 BTC


def test_part_01_a_part_of_a_position_is_closed_and_the_rest_stays_the_same_position() -> None:
    scenario = given(*OPENED, amend(1, stop=49_500, take=51_000), market(BTC, 50_100)).when(reduce(1, "0.04"))
    scenario.then(reduced(1, quantity="0.04", left="0.06", at=50_100), is_open(1))
    position = scenario.exchange.state.positions["0-1"]
    assert (position.quantity, position.entry_price, position.leverage) == (6_000, 500_000, 5_000)
    assert (position.stop_loss, position.take_profit) == (495_000, 510_000)
    assert position.entry_notional == 3_000 * 10**6


def test_part_01_reducing_by_the_whole_quantity_closes_a_position_and_by_more_or_zero_is_refused() -> None:
    given(*OPENED).when(reduce(1, "0.10001"), reduce(1, 0), reduce(1, "-0.00001"), reduce(1, "0.1")).then(
        refused(Rejection.ABOVE_MAXIMUM),
        refused(Rejection.AMOUNT_NOT_POSITIVE),
        refused(Rejection.AMOUNT_NOT_POSITIVE),
        closed_by_hand(1, returned=100),
        is_open(),
    )


def test_part_02_a_part_s_profit_is_cash_and_its_share_of_the_margin_returns() -> None:
    given(*OPENED, market(BTC, 50_100)).when(reduce(1, "0.04")).then(
        reduced(profit=4, released=40, returned=44, margin=60),
        legs(("HOUSE", "MARGIN", 4), ("MARGIN", "CASH", 44)),
        cash(944),
        balance(1_004),
        house(-4),
    )


def test_part_02_a_part_s_loss_comes_from_the_margin() -> None:
    given(*OPENED, market(BTC, 49_900)).when(reduce(1, "0.05")).then(
        reduced(profit=-5, released="40.1", returned="40.1", margin="54.9"),
        legs(("MARGIN", "HOUSE", 5), ("MARGIN", "CASH", "40.1")),
        balance(995),
    )


def test_part_02_a_short_gains_when_the_price_falls() -> None:
    given(deposit(1_000), short(BTC, margin=100, leverage=50, at=50_000), market(BTC, 49_900, 49_901)).when(
        reduce(1, "0.04")
    ).then(reduced(at=49_901, profit="3.96", released=40, returned="43.96"), balance("1003.96"))


@pytest.mark.parametrize(
    ("then", "quantity", "released", "margin"),
    [
        (50_100, "0.04", 40, 60),  # the share: 100 x 0.04 / 0.1; 106 - 60.12 is more
        (49_900, "0.05", "40.1", "54.9"),  # equity of 90 less the initial margin of 49.9; the share is 47.5
        (49_300, "0.05", 0, 65),  # equity of 30 is less than the initial margin of 49.3
    ],
)
def test_part_03_as_much_margin_is_set_free_as_the_rest_does_not_need(
    then: Number, quantity: Number, released: Number, margin: Number
) -> None:
    given(*OPENED, market(BTC, then)).when(reduce(1, quantity)).then(reduced(released=released, margin=margin))


def test_part_03_at_low_leverage_the_share_is_rounded_down() -> None:
    """10.000001 x 1 / 3 = 3.333333 and two thirds of a micro, which stay."""
    given(deposit(1_000), long(BTC, margin="10.000001", leverage=1, at="33333.3")).when(reduce(1, "0.0001")).then(
        reduced(left="0.0002", released="3.333333", margin="6.666668")
    )


def test_part_03_the_margin_a_high_maintenance_rate_or_fee_needs_stays_posted() -> None:
    """At 50x and 5 % of maintenance 150 must stay of 300, though 60 would open the rest; at a fee of 10 % 300."""
    terms = (deposit(10_000), long(BTC, quantity="0.1", leverage=50, at=50_000), market(BTC, 54_000))
    given(*terms, maintenance_rate=10_000).when(reduce(1, "0.04")).then(reduced(profit=160, released=40, margin=60))
    given(deposit(10_000), long(BTC, margin=600, leverage=10, at=50_000), market(BTC, 49_999), fee_rate=100_000).when(
        reduce(1, "0.01")
    ).then(reduced(profit="-0.01", fee="49.9990", released=0, margin="549.9910"))


def test_part_04_the_fee_of_a_part_is_paid_from_its_profit_and_else_from_the_margin() -> None:
    terms = (deposit(1_000), long(BTC, quantity="0.1", leverage=50, at=50_000))
    given(*terms, market(BTC, 50_100), fee_rate=1_000).when(reduce(1, "0.04")).then(
        reduced(profit=4, fee="2.004", released=40, returned="41.996", margin=60),
        legs(("HOUSE", "MARGIN", 4), ("MARGIN", "FEES", "2.004"), ("MARGIN", "CASH", "41.996")),
        fees("7.004"),
    )
    given(*terms, fee_rate=1_000).when(reduce(1, "0.04")).then(
        reduced(profit=0, fee=2, released=38, returned=38, margin=60), cash(933)
    )


def test_part_04_a_reduction_whose_fee_would_leave_a_liquidatable_rest_closes_the_whole_position() -> None:
    """0.01578 BTC: 21.10 left and 21.055 required; 0.01579: 21.05 left and 21.0525 required."""
    terms = (deposit(1_000), long(BTC, quantity="0.1", leverage=50, at=50_000))
    given(*terms, fee_rate=100_000).when(reduce(1, "0.01578")).then(reduced(fee="78.9", released=0, margin="21.1"))
    given(*terms, fee_rate=100_000).when(reduce(1, "0.01579")).then(closed_by_hand(1, fee=100, returned=0), is_open())
    given(*terms, fee_rate=100_000).when(reduce(1, "0.09999")).then(closed_by_hand(1, fee=100, returned=0), is_open())


@pytest.mark.parametrize("asked", ["0.01578", "0.01579"])
def test_part_11_the_outcome_has_the_lots_that_closed_and_under_version_1_the_lots_of_the_command(
    asked: str, rules_version: int
) -> None:
    """PART-04 closes all of the 0.1 BTC where 0.01579 are asked for."""
    terms = (deposit(1_000), long(BTC, quantity="0.1", leverage=50, at=50_000))
    closes_whole = asked == "0.01579"
    quantity = "0.1" if closes_whole and rules_version > 1 else asked
    given(*terms, fee_rate=100_000).when(reduce_oldest(asked, leverage=50)).then(
        oldest_reduced(quantity=quantity, at=50_000, positions=1),
        closed_by_hand(1, fee=100, returned=0) if closes_whole else reduced(1, fee="78.9"),
    )


@pytest.mark.rules(2)
def test_part_11_of_several_positions_the_lots_of_each_are_counted() -> None:
    """0.02 and 0.1 BTC at a fee of 10 %: 0.03579 are asked for, and 0.12 close."""
    given(
        deposit(5_000),
        long(BTC, quantity="0.02", leverage=50, at=50_000),
        long(BTC, quantity="0.1", leverage=50),
        fee_rate=100_000,
    ).when(reduce_oldest("0.03579", leverage=50)).then(
        oldest_reduced(quantity="0.12", at=50_000, positions=2),
        closed_by_hand(1, fee=20, returned=0),
        closed_by_hand(2, fee=100, returned=0),
        is_open(),
    )


def test_part_05_the_rest_has_a_liquidation_price_of_its_own_and_is_liquidated_at_that_price() -> None:
    given(*OPENED, market(BTC, 49_900), reduce(1, "0.05")).when(
        price(BTC, "49246.2"), price(BTC, "49147.8"), price(BTC, "49147.7")
    ).then(liquidated(1, at="49147.7", fee="12.285", returned=0), is_open())


def test_part_05_a_stop_stays_with_a_warning_where_the_rest_is_liquidated_before_that_stop() -> None:
    """A fee of 1.2 % of 2,475 takes 29.70 of the margin; the whole position would have been liquidated at 49,246.2."""
    given(
        deposit(1_000),
        long(BTC, quantity="0.1", leverage=50, at=50_000, stop=49_300),
        market(BTC, 49_500),
        fee_rate=12_000,
    ).when(reduce(1, "0.05"), price(BTC, "49340.8"), price(BTC, "49340.7")).then(
        reduced(profit=-25, fee="29.7", released=0, margin="45.3", liquidation="49340.7", warned=True),
        liquidated(1, at="49340.7", fee="12.335", returned=0),
    )


def test_part_05_a_stop_kept_through_a_reduction_closes_the_rest() -> None:
    given(*OPENED, amend(1, stop=49_500), market(BTC, 50_100), reduce(1, "0.04")).when(price(BTC, 49_500)).then(
        stopped(1, at=49_500, profit=-30), is_open()
    )
    given(*OPENED, reduce(1, "0.04")).when(amend(1, stop=49_500)).then(amended(stop=49_500, take=None))


def test_part_06_the_rest_is_at_least_the_smallest_quantity_that_may_be_opened() -> None:
    given(*OPENED, quantity_min=1_000).when(reduce(1, "0.09001"), reduce(1, "0.09")).then(
        refused(Rejection.BELOW_MINIMUM), reduced(1, left="0.01")
    )
    given(*OPENED, quantity_min=1_000).when(reduce(1, "0.00001")).then(reduced(1, left="0.09999"))


def test_part_07_only_the_owner_reduces_at_a_fresh_price_in_a_market_that_is_not_halted() -> None:
    given(*OPENED).when(reduce(1, "0.01", who=BOB), reduce(2, "0.01")).then(*[refused(Rejection.POSITION_NOT_OPEN)] * 2)
    given(*OPENED, wait(5)).when(reduce(1, "0.01")).then(refused(Rejection.PRICE_STALE))
    given(*OPENED, halt(BTC)).when(reduce(1, "0.01")).then(refused(Rejection.MARKET_HALTED))
    given(*OPENED, close_only(BTC)).when(reduce(1, "0.01")).then(reduced(1))


def test_part_07_closing_a_part_makes_room_and_is_repeated_like_any_command() -> None:
    rich = (deposit(50_000), deposit(50_000), long(BTC, quantity=20, leverage=50, at=50_000))
    given(*rich).when(long(BTC, quantity="0.00001", leverage=50)).then(refused(Rejection.ACCOUNT_NOTIONAL_LIMIT))
    given(*rich, reduce(1, "0.00001", id="r")).when(
        long(BTC, quantity="0.00001", leverage=50), reduce(1, "0.00001", id="r"), reduce(1, "0.00002", id="r")
    ).then(repeated(), refused(Rejection.COMMAND_ID_REUSED))


def test_part_08_the_receipt_of_a_part_can_be_checked_with_a_calculator() -> None:
    exchange = given(*OPENED).when(market(BTC, 49_900, 49_910), reduce(1, "0.05")).then(reduced(1)).exchange
    receipt = exchange.last[0]
    assert isinstance(receipt, PositionReduced)
    assert (receipt.quantity, receipt.quantity_left) == (5_000, 5_000)
    assert (receipt.entry_price, receipt.price, receipt.reason) == (500_000, 499_000, "manual")
    assert (receipt.notional, receipt.entry_notional) == (2_495_000_000, 2_500_000_000)
    assert (receipt.margin, receipt.equity, receipt.requirement) == (100_000_000, 90_000_000, 24_950_000)
    assert (receipt.entry_notional_left, receipt.margin_left) == (2_500_000_000, 54_900_000)
    assert (receipt.bid, receipt.ask) == (499_000, 499_100)
    assert receipt.tick_offset == receipt.command_offset - 1
    assert receipt.opened_at < receipt.time


def spot(*quantities: Number) -> Step:
    """Buy as on a spot market, a dollar dearer each time."""
    return each(
        *(long(BTC, quantity=quantity, leverage=1, at=50_000 + number) for number, quantity in enumerate(quantities))
    )


def test_part_09_one_command_reduces_the_oldest_positions_of_a_kind() -> None:
    given(
        deposit(20_000),
        short(BTC, quantity="0.01", leverage=1, at=50_000),
        long(BTC, quantity="0.01", leverage=2),
        long(ETH, quantity="0.1", leverage=1, at=2_500),
        spot("0.02", "0.03", "0.05"),
        market(BTC, 50_010),
    ).when(reduce_oldest("0.04")).then(
        oldest_reduced(quantity="0.04", at=50_010, positions=2),
        closed_by_hand(4, at=50_010, profit="0.2"),
        reduced(5, quantity="0.02", left="0.01", at=50_010, profit="0.18"),
        is_open(1, 2, 3, 5, 6),
    )


def test_part_09_reducing_the_oldest_closes_the_whole_requested_quantity_or_nothing() -> None:
    given(deposit(20_000), deposit(20_000, who=BOB), spot("0.02", "0.03"), wait(1)).when(
        reduce_oldest("0.05001"),
        reduce_oldest("0.01", who=BOB),
        reduce_oldest("0.01", side="short"),
        reduce_oldest("0.01", leverage=2),
        reduce_oldest(0),
        reduce_oldest("0.05"),
    ).then(
        *[refused(Rejection.ABOVE_MAXIMUM)] * 4,
        refused(Rejection.AMOUNT_NOT_POSITIVE),
        oldest_reduced(quantity="0.05", at=50_001, positions=2),
        closed_by_hand(1, profit="0.02"),
        closed_by_hand(2, profit=0),
        is_open(),
        balance("20000.02"),
    )


def test_part_09_reducing_the_oldest_is_refused_as_reducing_one_position_is() -> None:
    bought = (deposit(20_000), spot("0.02", "0.03"))
    given(*bought, quantity_min=1_000).when(reduce_oldest("0.04001"), reduce_oldest("0.03")).then(
        refused(Rejection.BELOW_MINIMUM),
        oldest_reduced(quantity="0.03", at=50_001, positions=2),
        closed_by_hand(1),
        reduced(2, left="0.02"),
    )
    given(*bought, halt(BTC)).when(reduce_oldest("0.01")).then(refused(Rejection.MARKET_HALTED))
    given(*bought, wait(5)).when(reduce_oldest("0.01")).then(refused(Rejection.PRICE_STALE))
    given(*bought).when(reduce_oldest("1", symbol="DOGE_USDC")).then(refused(Rejection.SYMBOL_UNKNOWN))
    malformed = ReduceOldest(command_id="m", account_id=ALICE, symbol="X" * 65, side="long", leverage=100, quantity=1)
    given(*bought).when(sent(malformed)).then(refused(Rejection.MALFORMED))


def test_part_09_events_of_reducing_the_oldest_follow_their_outcome_and_a_repeat_sells_nothing_more() -> None:
    scenario = given(deposit(20_000), spot("0.02", "0.03")).when(reduce_oldest("0.03", id="sell"))
    scenario.then(
        oldest_reduced(quantity="0.03", at=50_001, positions=2), closed_by_hand(1), reduced(2, quantity="0.01")
    )
    events = scenario.exchange.last
    assert [(event.index, event.command_id) for event in events] == [(0, "sell"), (1, "sell"), (2, "sell")]
    assert [event.command_hash is None for event in events] == [False, True, True]
    scenario.when(reduce_oldest("0.03", id="sell")).then(repeated(), is_open(2))


def test_part_10_a_position_closed_in_parts_leaves_nothing() -> None:
    given(*OPENED, market(BTC, 50_100)).when(*(reduce(1, "0.03") for _ in range(3)), reduce(1, "0.01"), close(1)).then(
        *(reduced(1, profit=3) for _ in range(3)),
        closed_by_hand(1, profit=1),
        refused(Rejection.POSITION_NOT_OPEN),
        cash(1_010),
        balance(1_010),
        house(-10),
        is_open(),
    )
