"""Triggers: when a stop and a take fire, at which price, and in which order."""

from decimal import Decimal

import pytest

from schemas.commands import UpdatePrices
from schemas.events import PositionClosed
from schemas.messages import Side
from schemas.rejections import TickRefusal
from tests.spec.checks import accepted, held, liquidated, opened, stopped, taken, tick_refused
from tests.spec.exchange import Exchange
from tests.spec.language import (
    BOB,
    BTC,
    ETH,
    FEED,
    RUN,
    SOL,
    Number,
    amend,
    close_only,
    deposit,
    given,
    long,
    market,
    opens,
    price,
    short,
    tick,
    wait,
)
from tests.spec.ledger_checks import balance, cash, condition_is, is_open

LEVELS: tuple[tuple[str, int, str, str, str], ...] = (
    # symbol, entry, a level below and a level above, one tick
    (BTC, 50_000, "49500.0", "50500.0", "0.1"),
    (ETH, 2_500, "2475.00", "2525.00", "0.01"),
    (SOL, 125, "124.00", "126.00", "0.01"),
)


@pytest.mark.parametrize(("symbol", "at", "below", "above", "step"), LEVELS)
def test_trig_01_a_stop_loss_fires_at_its_price_and_not_a_tick_before(
    symbol: str, at: int, below: str, above: str, step: str
) -> None:
    given(deposit(1_000), long(symbol, margin=100, leverage=10, at=at, stop=below)).when(
        price(symbol, _plus(below, step), _plus(below, step))
    ).then(is_open(1)).when(price(symbol, below, _plus(below, step))).then(stopped(1, at=below, trigger=below))
    given(deposit(1_000), short(symbol, margin=100, leverage=10, at=at, stop=above)).when(
        price(symbol, _minus(above, step), _minus(above, step))
    ).then(is_open(1)).when(price(symbol, _minus(above, step), above)).then(stopped(1, at=above, trigger=above))


@pytest.mark.parametrize(("symbol", "at", "below", "above", "step"), LEVELS)
def test_trig_02_a_take_profit_fires_at_its_price_and_not_a_tick_before(
    symbol: str, at: int, below: str, above: str, step: str
) -> None:
    given(deposit(1_000), long(symbol, margin=100, leverage=10, at=at, take=above)).when(
        price(symbol, _minus(above, step), above)
    ).then(is_open(1)).when(price(symbol, above, _plus(above, step))).then(taken(1, at=above, trigger=above))
    given(deposit(1_000), short(symbol, margin=100, leverage=10, at=at, take=below)).when(
        price(symbol, below, _plus(below, step))
    ).then(is_open(1)).when(price(symbol, _minus(below, step), below)).then(taken(1, at=below, trigger=below))


@pytest.mark.parametrize(("side", "to", "profit"), [("long", 48_000, -40), ("short", 52_000, -40)])
def test_trig_03_a_stop_fills_at_the_tick_s_price_however_far_beyond(side: Side, to: int, profit: int) -> None:
    stop = 49_000 if side == "long" else 51_000
    given(deposit(1_000), opens(side, BTC, quantity="0.02", leverage=10, at=50_000, stop=stop)).when(
        price(BTC, to)
    ).then(stopped(1, at=to, trigger=stop, profit=profit, returned=60), cash(960))


@pytest.mark.parametrize(("side", "to"), [("long", 52_000), ("short", 48_000)])
def test_trig_03_a_take_profit_fills_at_the_tick_s_price_when_that_price_is_better(side: Side, to: int) -> None:
    take = 51_000 if side == "long" else 49_000
    given(deposit(1_000), opens(side, BTC, quantity="0.02", leverage=10, at=50_000, take=take)).when(
        price(BTC, to)
    ).then(taken(1, at=to, trigger=take, profit=40, returned=140), cash(1_040))


def test_trig_04_a_tick_fires_falling_triggers_from_high_to_low_then_rising_triggers_from_low_to_high() -> None:
    """A wide tick reaches both ways: longs' stops and shorts' takes fall, longs' takes and shorts' stops rise."""
    given(
        deposit(10_000),
        market(BTC, 50_000),
        long(BTC, margin=100, leverage=10, stop="49900.0"),  # 1 falls third
        long(BTC, margin=100, leverage=10, stop="49950.0"),  # 2 falls first
        short(BTC, margin=100, leverage=10, stop="50090.0"),  # 3 rises second
        short(BTC, margin=100, leverage=10, stop="50080.0"),  # 4 rises first
        long(BTC, margin=100, leverage=10, stop="49920.0"),  # 5 falls second
        long(BTC, margin=100, leverage=10, stop="49899.9"),  # 6 stays
        short(BTC, margin=100, leverage=10, stop="50100.1"),  # 7 stays
        spread_max=10_000,
    ).when(price(BTC, 49_900, 50_100)).then(
        stopped(2, at=49_900),
        stopped(5, at=49_900),
        stopped(1, at=49_900),
        stopped(4, at=50_100),
        stopped(3, at=50_100),
        is_open(6, 7),
    )


def test_trig_04_a_fall_fires_longs_stops_and_shorts_takes_in_one_order_of_price() -> None:
    given(
        deposit(10_000),
        market(BTC, 50_000),
        long(BTC, margin=100, leverage=10, stop=49_700),
        short(BTC, margin=100, leverage=10, take=49_800),
        long(BTC, margin=100, leverage=10, stop=49_900),
        short(BTC, margin=100, leverage=10, take=49_600),
    ).when(price(BTC, 49_500)).then(
        stopped(3, at=49_500), taken(2, at=49_500), stopped(1, at=49_500), taken(4, at=49_500)
    )


def test_trig_04_a_rise_fires_longs_takes_and_shorts_stops_in_one_order_of_price() -> None:
    given(
        deposit(10_000),
        market(BTC, 50_000),
        short(BTC, margin=100, leverage=10, stop=50_300),
        long(BTC, margin=100, leverage=10, take=50_200),
        short(BTC, margin=100, leverage=10, stop=50_100),
        long(BTC, margin=100, leverage=10, take=50_400),
    ).when(price(BTC, 50_500)).then(
        stopped(3, at=50_500), taken(2, at=50_500), stopped(1, at=50_500), taken(4, at=50_500)
    )


def test_trig_04_at_one_price_liquidation_precedes_stop_precedes_take_profit_precedes_the_younger_position() -> None:
    given(
        deposit(10_000),
        market(BTC, 50_000),
        short(BTC, margin=100, leverage=10, take="49246.2"),  # 1
        long(BTC, margin=100, leverage=10, stop="49246.2"),  # 2
        long(BTC, margin=100, leverage=50),  # 3 is liquidated at 49,246.2
        long(BTC, margin=100, leverage=10, stop="49246.2"),  # 4
    ).when(price(BTC, "49246.2")).then(
        liquidated(3, at="49246.2", fee="24.62", returned=0),
        stopped(2, at="49246.2"),
        stopped(4, at="49246.2"),
        taken(1, at="49246.2"),
    )


def test_trig_04_a_position_closes_by_the_trigger_reached_first_and_at_one_price_by_liquidation() -> None:
    terms = {"margin": 100, "leverage": 50, "at": 50_000}
    given(deposit(1_000), long(BTC, **terms, stop=49_500)).when(price(BTC, 49_000)).then(
        stopped(1, at=49_000, liquidation_fee=0, returned=0)
    )
    given(deposit(1_000), long(BTC, **terms, stop="49246.2")).when(price(BTC, "49246.2")).then(
        liquidated(1, at="49246.2", fee="24.62", returned=0)
    )
    given(deposit(1_000), long(BTC, **terms, stop=49_000)).when(price(BTC, "49100")).then(
        liquidated(1, at=49_100, fee=10, returned=0)
    )


def test_trig_04_the_tenth_position_fires_after_the_ninth() -> None:
    """By number, not by the letters of its id."""
    positions = [long(BTC, margin=10, leverage=10, stop=49_000) for _ in range(11)]
    given(deposit(1_000), market(BTC, 50_000), *positions).when(price(BTC, 49_000)).then(
        *[stopped(number, at=49_000) for number in range(1, 12)]
    )


def test_trig_05_symbols_fire_in_instrument_order_whatever_the_order_of_the_ticks() -> None:
    def all_fall(exchange: Exchange) -> None:
        time = exchange.now + 1_000
        seen = (tick(SOL, 124, None, time), tick(BTC, 49_500, None, time), tick(ETH, 2_475, None, time))
        exchange.send(UpdatePrices(feed=FEED, run=RUN, sent_at=time, ticks=seen, alive=()))

    given(
        deposit(1_000),
        long(SOL, margin=100, leverage=10, at=125, stop=124),
        long(ETH, margin=100, leverage=10, at=2_500, stop=2_475),
        long(BTC, margin=100, leverage=10, at=50_000, stop=49_500),
    ).when(all_fall).then(stopped(3, at=49_500), stopped(2, at=2_475), stopped(1, at=124))


def test_trig_06_a_tick_that_is_held_or_refused_fires_nothing() -> None:
    stop = {"margin": 100, "leverage": 2, "at": 50_000, "stop": 49_000}
    given(deposit(1_000), long(BTC, **stop)).when(price(BTC, 40_000)).then(held(BTC), is_open(1))
    given(deposit(1_000), long(BTC, **stop)).when(price(BTC, 48_000, 60_000)).then(
        tick_refused(BTC, TickRefusal.SPREAD_TOO_WIDE), is_open(1)
    )


def test_trig_06_a_held_tick_that_is_confirmed_fires_at_the_confirming_tick_s_price() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=2, at=50_000, stop=49_000)).when(
        price(BTC, 40_000), wait("0.4"), price(BTC, 40_001)
    ).then(stopped(1, at=40_001, trigger=49_000), condition_is(BTC, "fresh"))


def test_trig_07_triggered_closes_follow_the_outcome_under_the_id_of_the_command() -> None:
    exchange = (
        given(deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000, stop=49_000))
        .when(price(BTC, 49_000))
        .then(stopped(1, at=49_000))
        .exchange
    )
    outcome, triggered = exchange.last
    assert isinstance(triggered, PositionClosed)
    assert (outcome.index, triggered.index) == (0, 1)
    assert (triggered.command_id, triggered.command_hash) == (None, None)
    assert (triggered.tick_offset, triggered.bid, triggered.ask) == (triggered.command_offset, 490_000, 490_000)


def test_trig_08_a_position_fires_once_and_its_other_triggers_are_removed() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000, stop=49_500, take=50_500)).when(
        price(BTC, 49_500), price(BTC, 50_500), price(BTC, 40_500), price(BTC, 49_500)
    ).then(stopped(1, at=49_500), balance(990))


def test_trig_08_one_tick_closes_positions_of_several_accounts() -> None:
    given(
        deposit(1_000),
        deposit(1_000, who=BOB),
        long(BTC, margin=100, leverage=10, at=50_000, stop=49_500),
        long(BTC, margin=100, leverage=10, who=BOB, stop=49_500),
    ).when(price(BTC, 49_500)).then(stopped(1, at=49_500), stopped(2, at=49_500), cash(990), cash(990, who=BOB))


def test_trig_09_triggers_run_in_a_close_only_market() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000, stop=49_500), close_only(BTC)).when(
        price(BTC, 49_500)
    ).then(stopped(1, at=49_500))


def test_trig_10_opening_closing_and_amending_fire_no_trigger() -> None:
    given(deposit(1_000), market(BTC, 50_000), long(BTC, margin=100, leverage=10, stop=49_500)).when(
        long(BTC, margin=100, leverage=10, stop="49999.9"), amend(1, stop="49999.9")
    ).then(opened(2), is_open(1, 2))


def test_trig_01_triggers_look_only_at_the_exit_side_of_a_tick() -> None:
    """A long looks at the bid, a short at the ask; the other side of a wide tick means nothing to it."""
    given(
        deposit(1_000),
        market(BTC, 50_000),
        long(BTC, margin=100, leverage=10, take=50_100),
        short(BTC, margin=100, leverage=10, take=49_900),
        spread_max=10_000,
    ).when(price(BTC, 49_900, 50_100)).then(accepted(BTC), is_open(1, 2))


def _plus(level: str, step: str) -> Number:
    return str(Decimal(level) + Decimal(step))


def _minus(level: str, step: str) -> Number:
    return str(Decimal(level) - Decimal(step))
