"""Instruments: what may be traded, and which of its parameters may change."""

import pytest

from schemas.commands import DefineInstruments
from schemas.events import CommandRejected, Event, InstrumentsDefined
from schemas.instruments import BY_SYMBOL, INSTRUMENTS
from schemas.messages import Instrument
from schemas.record import replace
from schemas.rejections import Rejection
from tests.activating import activate
from tests.spec.checks import opened, refused
from tests.spec.exchange import Exchange
from tests.spec.language import BTC, ETH, SOL, deposit, given, long, market

OK = "defined"
REFUSED = "refused"


def defined(*instruments: Instrument, known: bool = True) -> str:
    """Say what becomes of a broadcast of these instruments."""
    exchange = given().exchange if known else Exchange()
    outcome: Event = exchange.send(
        DefineInstruments(command_id="define", shard=0, broadcast="b", instruments=instruments)
    )[0]
    exchange.check()
    if isinstance(outcome, InstrumentsDefined):
        return OK
    assert isinstance(outcome, CommandRejected)
    assert outcome.rejection == Rejection.MALFORMED
    return REFUSED


def test_inst_01_instruments_are_served_in_the_order_they_were_first_defined() -> None:
    exchange = given().exchange
    exchange.define(BY_SYMBOL[SOL], BY_SYMBOL[BTC], broadcast="again")
    assert list(exchange.state.instruments) == [BTC, ETH, SOL]


@pytest.mark.parametrize("field", ["tick_exponent", "lot_exponent", "tick_value"])
def test_inst_02_tick_lot_and_tick_value_of_a_known_instrument_never_change(field: str) -> None:
    known = BY_SYMBOL[BTC]
    assert defined(known) == OK
    assert defined(replace(known, **{field: getattr(known, field) + 1})) == REFUSED


@pytest.mark.parametrize(
    ("field", "passes", "fails"),
    [
        ("symbol", "X" * 64, "X" * 65),
        ("tick_value", 1, 0),
        ("quantity_min", 1, 0),
        ("quantity_min", 10_000_000, 10_000_001),
        ("leverage_min", 100, 99),
        ("leverage_min", 10_000, 10_001),
        ("leverage_max", 100_000, 100_001),
        ("slippage_bps", 0, -1),
        ("slippage_bps", 10_000, 10_001),
        ("fee_rate", 0, -1),
        ("fee_rate", 999_999, 1_000_000),
        ("maintenance_rate", 999_999, 1_000_000),
        ("margin_floor_rate", 999_999, 1_000_000),
        ("liquidation_fee_rate", 999_999, 1_000_000),
        ("spread_max", 999_999, 1_000_000),
        ("jump_max", 999_999, 1_000_000),
        ("notional_max", 1, 0),
        ("notional_max", 10**15, 10**15 + 1),
        ("account_notional_max", 10**15, 10**15 + 1),
        ("side_notional_max", 10**15, 10**15 + 1),
    ],
)
def test_inst_03_parameters_outside_their_bounds_are_malformed(field: str, passes: object, fails: object) -> None:
    new = replace(BY_SYMBOL[BTC], symbol="NEW_USDC")
    assert defined(replace(new, **{field: passes})) == OK
    assert defined(replace(new, **{field: fails})) == REFUSED


@pytest.mark.rules(1)  # INST-05 leaves no choice of these.
@pytest.mark.parametrize(
    ("field", "passes", "fails"),
    [("tick_exponent", 0, -1), ("tick_exponent", 12, 13), ("lot_exponent", 0, -1), ("lot_exponent", 12, 13)],
)
def test_inst_03_exponents_outside_their_bounds_are_malformed(field: str, passes: int, fails: int) -> None:
    new = replace(BY_SYMBOL[BTC], symbol="NEW_USDC")
    assert defined(replace(new, **{field: passes})) == OK
    assert defined(replace(new, **{field: fails})) == REFUSED


@pytest.mark.rules(2)
@pytest.mark.parametrize(
    ("tick_exponent", "lot_exponent", "tick_value", "answer"),
    [
        (2, 3, 10, OK),
        (2, 3, 1, REFUSED),
        (2, 3, 100, REFUSED),
        (0, 0, 10**6, OK),
        (6, 0, 1, OK),
        (0, 6, 1, OK),
        (0, 6, 2, REFUSED),
        (4, 3, 1, REFUSED),
        (-1, 7, 1, REFUSED),
    ],
)
def test_inst_05_a_new_instrument_s_tick_value_is_a_tick_times_a_lot(
    tick_exponent: int, lot_exponent: int, tick_value: int, answer: object
) -> None:
    new = replace(
        BY_SYMBOL[BTC],
        symbol="NEW_USDC",
        tick_exponent=tick_exponent,
        lot_exponent=lot_exponent,
        tick_value=tick_value,
        quantity_max=4_000,
    )
    assert defined(new) == answer


@pytest.mark.rules(1)
def test_inst_05_an_instrument_of_version_1_with_another_tick_value_is_still_changed_under_version_2() -> None:
    exchange = Exchange()
    odd = replace(BY_SYMBOL[BTC], symbol="ODD_USDC", tick_value=7)
    exchange.define(odd)
    exchange.succeed(activate(2))
    exchange.define(replace(odd, leverage_max=500), broadcast="safer")
    assert exchange.state.instruments["ODD_USDC"].leverage_max == 500
    exchange.check()


@pytest.mark.rules(2)
@pytest.mark.parametrize(("open_age_max", "answer"), [(1, OK), (5_000_000, OK), (0, REFUSED), (5_000_001, REFUSED)])
def test_inst_03_the_age_a_price_may_have_for_an_opening_is_above_0_and_at_most_five_seconds(
    open_age_max: int, answer: object
) -> None:
    assert defined(replace(BY_SYMBOL[BTC], symbol="NEW_USDC", open_age_max=open_age_max)) == answer


@pytest.mark.rules(1)
def test_inst_03_no_instrument_is_defined_whose_notional_could_leave_64_bits() -> None:
    """quantity_max x 10^9 ticks x tick_value stays at or below 2^62 micros, so that a receipt always fits."""
    new = replace(BY_SYMBOL[BTC], symbol="NEW_USDC")
    assert defined(replace(new, quantity_max=2**62 // 10**9)) == OK
    assert defined(replace(new, quantity_max=2**62 // 10**9 + 1)) == REFUSED
    assert defined(replace(new, quantity_max=10**6, tick_value=4_611)) == OK
    assert defined(replace(new, quantity_max=10**6, tick_value=4_612)) == REFUSED


def test_inst_03_a_broadcast_without_instruments_or_with_a_symbol_twice_is_malformed() -> None:
    assert defined() == REFUSED
    assert defined(BY_SYMBOL[BTC], BY_SYMBOL[BTC]) == REFUSED
    assert defined(*INSTRUMENTS, known=False) == OK


def test_inst_03_one_invalid_instrument_refuses_all_instruments_of_its_broadcast() -> None:
    exchange = Exchange()
    bad = replace(BY_SYMBOL[ETH], tick_value=0)
    exchange.send(DefineInstruments(command_id="d", shard=0, broadcast="b", instruments=(BY_SYMBOL[BTC], bad)))
    assert exchange.state.instruments == {}


def test_inst_04_changed_parameters_hold_for_the_next_command() -> None:
    def lower_the_leverage(exchange: Exchange) -> None:
        exchange.define(replace(BY_SYMBOL[BTC], leverage_max=1_000), broadcast="safer")

    given(deposit(1_000), market(BTC, 50_000)).when(
        lower_the_leverage, long(BTC, margin=10, leverage=10), long(BTC, margin=10, leverage="10.01")
    ).then(opened(), refused(Rejection.LEVERAGE_OUT_OF_RANGE))
