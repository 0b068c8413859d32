"""Each bound twice: the last value that is allowed, and the first that is not."""

import pytest

from schemas.bounds import (
    EXPONENT_MAX,
    ID_LENGTH_MAX,
    LEVERAGE_MAX,
    NOTIONAL_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    TICK_VALUE_MAX,
    WORTH_MAX,
    is_id,
    parameters_out_of_bounds,
)
from schemas.instruments import INSTRUMENTS
from schemas.record import replace
from schemas.units import BPS, LEVERAGE_ONE, PPM

BTC = INSTRUMENTS[0]
SMALL = replace(BTC, quantity_max=1)
BOUNDS = [
    *((rate, 0, -1) for rate in ("fee_rate", "maintenance_rate", "margin_floor_rate", "liquidation_fee_rate")),
    *((rate, PPM - 1, PPM) for rate in ("fee_rate", "maintenance_rate", "margin_floor_rate", "liquidation_fee_rate")),
    *((rate, PPM - 1, PPM) for rate in ("spread_max", "jump_max")),
    *((limit, 1, 0) for limit in ("notional_max", "account_notional_max", "side_notional_max")),
    *((limit, NOTIONAL_MAX, NOTIONAL_MAX + 1) for limit in ("notional_max", "account_notional_max")),
    ("side_notional_max", NOTIONAL_MAX, NOTIONAL_MAX + 1),
    ("quantity_min", 1, 0),
    ("quantity_min", SMALL.quantity_max, SMALL.quantity_max + 1),
    ("leverage_min", LEVERAGE_ONE, LEVERAGE_ONE - 1),
    ("leverage_min", SMALL.leverage_max, SMALL.leverage_max + 1),
    ("leverage_max", LEVERAGE_MAX, LEVERAGE_MAX + 1),
    ("slippage_bps", 0, -1),
    ("slippage_bps", BPS, BPS + 1),
    ("tick_exponent", EXPONENT_MAX, EXPONENT_MAX + 1),
    ("lot_exponent", 0, -1),
    ("tick_value", 1, 0),
    ("tick_value", TICK_VALUE_MAX, TICK_VALUE_MAX + 1),
]


@pytest.mark.parametrize(("name", "allowed", "not_allowed"), BOUNDS)
def test_a_parameter_is_allowed_up_to_its_bound_and_refused_by_name_beyond_the_bound(
    name: str, allowed: int, not_allowed: int
) -> None:
    assert parameters_out_of_bounds(replace(SMALL, **{name: allowed})) == []
    assert parameters_out_of_bounds(replace(SMALL, **{name: not_allowed})) == [name]


def test_the_largest_quantity_at_the_highest_price_is_worth_no_more_than_fits_a_receipt() -> None:
    most = WORTH_MAX // PRICE_MAX
    assert most < QUANTITY_MAX, "the worth binds before the quantity's own bound"
    assert parameters_out_of_bounds(replace(BTC, quantity_max=most)) == []
    assert parameters_out_of_bounds(replace(BTC, quantity_max=most + 1)) == ["quantity_max"]


def test_all_parameters_out_of_bounds_are_named_at_once() -> None:
    wrong = replace(BTC, fee_rate=-1, leverage_max=LEVERAGE_MAX + 1)
    assert parameters_out_of_bounds(wrong) == ["leverage_max", "fee_rate"]


def test_the_first_instruments_are_within_bounds() -> None:
    assert [parameters_out_of_bounds(instrument) for instrument in INSTRUMENTS] == [[]] * len(INSTRUMENTS)


def test_an_id_has_1_to_64_printable_ascii_characters() -> None:
    assert is_id("x")
    assert is_id("x" * ID_LENGTH_MAX)
    for text in ("", "x" * (ID_LENGTH_MAX + 1), "a\0", "a\n", "ä"):
        assert not is_id(text)
