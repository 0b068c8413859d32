"""Liquidation: when, at which price exactly, for which fee, and who pays for a loss beyond the margin."""

import pytest

from schemas.events import PositionOpened
from schemas.messages import Side
from tests.spec.checks import closed_by_hand, liquidated, opened, stopped, taken
from tests.spec.language import (
    BOB,
    BTC,
    ETH,
    SOL,
    Number,
    close,
    deposit,
    given,
    long,
    market,
    opens,
    opens_account,
    price,
    short,
)
from tests.spec.ledger_checks import balance, cash, fees, house, insurance, is_open, legs

# Margin 100 at 50x on 5,000 of notional. Long: E = 100 + q (P - entry) < 0.005 q P. Short: 100 + q (entry - P).
EXACT: tuple[tuple[Side, str, int, Number, Number, Number], ...] = (
    ("long", BTC, 50_000, "49246.3", "49246.2", "24.62"),
    ("short", BTC, 50_000, "50746.2", "50746.3", "25.37"),
    ("long", ETH, 2_500, "2462.32", "2462.31", "24.62"),
    ("short", ETH, 2_500, "2537.31", "2537.32", "25.36"),
    ("long", SOL, 125, "123.12", "123.11", "24.4"),
    ("short", SOL, 125, "126.86", "126.87", "25.2"),
)


@pytest.mark.parametrize(("side", "symbol", "at", "last", "first", "fee"), EXACT)
def test_liq_01_a_position_is_liquidated_at_its_liquidation_price_and_not_a_tick_before(
    side: Side, symbol: str, at: int, last: Number, first: Number, fee: Number
) -> None:
    given(deposit(1_000), market(symbol, at)).when(opens(side, symbol, margin=100, leverage=50)).then(
        opened(1, liquidation=first)
    ).when(price(symbol, last)).then(is_open(1)).when(price(symbol, first)).then(
        liquidated(1, at=first, fee=fee, returned=0, trigger=first), cash(900), insurance(fee)
    )


def test_liq_01_equity_equal_to_the_requirement_is_enough() -> None:
    """Strict: at 40,000 with a maintenance of 2 % both are 0.80; a tick lower 0.7999 is below 0.799998."""
    scenario = given(deposit(1_000), market(BTC, 40_800), maintenance_rate=20_000, margin_floor_rate=0).when(
        long(BTC, quantity="0.001", leverage="25.5")  # margin 1.60
    )
    scenario.then(opened(1, margin="1.6", liquidation="39999.9"))
    scenario.when(price(BTC, 40_000)).then(is_open(1))
    scenario.when(price(BTC, "39999.9")).then(
        liquidated(1, at="39999.9", fee="0.2", returned="0.5999", equity="0.7999", requirement="0.799998")
    )


@pytest.mark.parametrize(
    ("side", "last", "first", "fee", "returned"),
    [
        ("long", "26250.0", "26249.9", "0.524998", "4.474602"),
        ("short", "73750.0", "73750.1", "1.475002", "3.524598"),
    ],
)
def test_liq_02_a_position_must_keep_a_twentieth_of_its_margin(
    side: Side, last: Number, first: Number, fee: Number, returned: Number
) -> None:
    """At 2x the floor of 5 % of the margin, 5.00, is above the maintenance."""
    given(deposit(1_000), opens(side, BTC, margin=100, leverage=2, at=50_000)).when(market(BTC, last)).then(
        is_open(1)
    ).when(price(BTC, first)).then(liquidated(1, at=first, fee=fee, returned=returned, requirement=5))


def test_liq_03_a_position_no_price_can_liquidate_has_no_liquidation_price() -> None:
    exchange = given(deposit(1_000), market(BTC, 50_000)).when(long(BTC, margin="0.99", leverage=1)).exchange
    event = exchange.last[0]
    assert isinstance(event, PositionOpened)
    assert (event.quantity, event.liquidation_price) == (1, None)  # 0.50 of notional on 0.99 of margin


def test_liq_03_a_short_that_only_a_price_above_a_billion_ticks_liquidates_has_no_liquidation_price() -> None:
    exchange = (
        given(opens_account("carol", 10_000_000), market(SOL, 6_000_000))
        .when(short(SOL, quantity="0.01", leverage=1, who="carol"))
        .then(opened(1, margin=60_000))
        .exchange
    )
    event = exchange.last[0]
    assert isinstance(event, PositionOpened)
    assert event.liquidation_price is None


def test_liq_04_the_liquidation_fee_of_half_a_percent_replaces_the_closing_fee_and_the_rest_returns() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=2, at=50_000), fee_rate=1_000).when(market(BTC, 26_000)).then(
        liquidated(1, at=26_000, fee="0.52", returned="3.48", profit=-96),
        legs(("MARGIN", "HOUSE", 96), ("MARGIN", "INSURANCE", "0.52"), ("MARGIN", "CASH", "3.48")),
        insurance("0.52"),
        fees("0.2"),
        cash("903.28"),
    )


def test_liq_04_the_liquidation_fee_is_at_most_the_remaining_equity() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000)).when(price(BTC, 49_200)).then(
        liquidated(1, at=49_200, fee=20, returned=0, equity=20, requirement="24.6"),
        legs(("MARGIN", "HOUSE", 80), ("MARGIN", "INSURANCE", 20)),
        insurance(20),
        cash(900),
    )
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000)).when(price(BTC, 49_000)).then(
        liquidated(1, at=49_000, fee=0, returned=0, equity=0), legs(("MARGIN", "HOUSE", 100)), insurance(0)
    )


@pytest.mark.rules(1)
@pytest.mark.parametrize(("side", "stop", "to"), [("long", 49_500, 49_200), ("short", 50_500, 50_800)])
def test_liq_05_a_stop_at_a_liquidatable_price_pays_the_liquidation_fee(side: Side, stop: int, to: int) -> None:
    given(deposit(1_000), opens(side, BTC, margin=100, leverage=50, at=50_000, stop=stop), fee_rate=1_000).when(
        price(BTC, to)
    ).then(stopped(1, at=to, liquidation_fee=20, returned=0), insurance(20), fees(5))


@pytest.mark.rules(2)
@pytest.mark.parametrize(("side", "stop", "to"), [("long", 49_500, 49_200), ("short", 50_500, 50_800)])
def test_liq_08_a_stop_that_a_gap_carries_past_the_liquidation_price_pays_the_closing_fee(
    side: Side, stop: int, to: int
) -> None:
    given(deposit(1_000), opens(side, BTC, margin=100, leverage=50, at=50_000, stop=stop)).when(price(BTC, to)).then(
        stopped(1, at=to, liquidation_fee=0, returned=20), insurance(0), cash(920)
    )


@pytest.mark.rules(2)
def test_liq_08_a_take_pays_the_closing_fee() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000, take=50_500), fee_rate=1_000).when(
        price(BTC, 51_000)
    ).then(taken(1, at=51_000, fee="5.1"), insurance(0), fees("10.1"))


@pytest.mark.rules(2)
def test_liq_08_a_position_without_a_stop_pays_the_liquidation_fee_on_the_same_tick() -> None:
    given(
        deposit(1_000),
        long(BTC, margin=100, leverage=50, at=50_000, stop=49_500),
        long(BTC, margin=100, leverage=50),
    ).when(price(BTC, 49_200)).then(
        stopped(1, at=49_200, liquidation_fee=0, returned=20),
        liquidated(2, at=49_200, fee=20, returned=0),
        insurance(20),
    )


def test_liq_05_a_stop_at_a_price_that_is_not_liquidatable_pays_the_closing_fee() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000, stop=49_500), fee_rate=1_000).when(
        price(BTC, 49_500)
    ).then(stopped(1, at=49_500, fee="4.95", returned="45.05"), insurance(0), fees("9.95"))


@pytest.mark.parametrize(("side", "to"), [("long", 48_000), ("short", 52_000)])
def test_liq_06_a_loss_beyond_the_margin_without_insurance_is_written_off(side: Side, to: int) -> None:
    given(deposit(1_000), opens(side, BTC, margin=100, leverage=50, at=50_000)).when(price(BTC, to)).then(
        liquidated(1, at=to, fee=0, returned=0, profit=-200, shortfall=100, insurance_paid=0, written_off=100),
        legs(("MARGIN", "HOUSE", 100)),
        house(100),
        cash(900),
    )


def test_liq_06_insurance_pays_a_loss_as_far_as_the_fund_goes() -> None:
    twenty = (long(BTC, margin=100, leverage=50, at=50_000), price(BTC, 49_200))
    given(deposit(1_000), *twenty, long(BTC, margin=100, leverage=50, at=50_000)).when(price(BTC, 48_000)).then(
        liquidated(2, at=48_000, fee=0, returned=0, shortfall=100, insurance_paid=20, written_off=80),
        legs(("MARGIN", "HOUSE", 100), ("INSURANCE", "HOUSE", 20)),
        insurance(0),
        house(200),
        cash(800),
    )


def test_liq_06_insurance_pays_a_loss_in_full_and_keeps_the_rest() -> None:
    twenty = (long(BTC, margin=100, leverage=50, at=50_000), price(BTC, 49_200))
    given(deposit(1_000), *twenty, long(BTC, margin=100, leverage=50, at=50_000)).when(price(BTC, 48_950)).then(
        liquidated(2, at=48_950, fee=0, returned=0, shortfall=5, insurance_paid=5, written_off=0), insurance(15)
    )


def test_liq_06_the_fee_of_one_liquidation_insures_the_next_liquidation_of_the_same_tick() -> None:
    given(
        deposit(1_000),
        deposit(1_000, who=BOB),
        market(BTC, 50_000),
        long(BTC, margin=50, leverage=100, who=BOB),  # reached first, at 49,748.7: pays nothing in, needs 30
        long(BTC, margin=100, leverage=50),  # at 49,246.2: pays 20 in
    ).when(price(BTC, 49_200)).then(
        liquidated(1, at=49_200, fee=0, returned=0, shortfall=30, written_off=30),
        liquidated(2, at=49_200, fee=20, returned=0),
        insurance(20),
    )


def test_liq_07_a_user_loses_at_most_the_position_s_margin() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=100, at=50_000), long(BTC, margin=100, leverage=1)).when(
        market(BTC, 25_000)
    ).then(
        liquidated(1, at=25_000, fee=0, returned=0, shortfall=4_900, written_off=4_900), is_open(2), balance(900)
    ).when(close(2)).then(closed_by_hand(2, profit=-50, returned=50), cash(850))
