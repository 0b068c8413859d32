"""Digits and the ledger's integers become each other, and nothing is rounded."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.units import INT64_MAX, NotRepresentable, parse, render


@pytest.mark.parametrize(
    ("digits", "exponent", "units"),
    [
        ("0", 6, 0),
        ("1", 6, 1_000_000),
        ("0.000001", 6, 1),
        ("-0.000001", 6, -1),
        ("1.50", 2, 150),
        ("1e3", 0, 1_000),
        ("1E-6", 6, 1),
        (Decimal("49246.2"), 1, 492_462),
        ("9223372036854775807", 0, INT64_MAX),
        ("9223372036854.775807", 6, INT64_MAX),
        ("-9223372036854.775807", 6, -INT64_MAX),
        ("1.000000000000000000000", 6, 1_000_000),
    ],
)
def test_digits_a_unit_can_hold_are_parsed_exactly(digits: str | Decimal, exponent: int, units: int) -> None:
    assert parse(digits, exponent) == units


@pytest.mark.parametrize(
    ("digits", "exponent"),
    [
        ("0.0000001", 6),
        ("0.15", 1),
        ("NaN", 6),
        ("-sNaN", 6),
        ("Infinity", 6),
        ("-inf", 6),
        ("", 6),
        ("abc", 6),
        ("1,5", 6),
        ("9223372036854775808", 0),
        ("9223372036854.775808", 6),
        ("1e30", 6),
        ("1e1000000", 6),
        ("1e-1000000", 6),
        ("1e999999999999999999", 6),
    ],
)
def test_digits_a_unit_cannot_hold_are_refused(digits: str, exponent: int) -> None:
    with pytest.raises(NotRepresentable):
        parse(digits, exponent)


def test_no_digit_is_dropped_however_far_behind_the_point() -> None:
    with pytest.raises(NotRepresentable):
        parse("1." + "0" * 30 + "1", 6)


@pytest.mark.parametrize(
    ("units", "exponent", "digits"),
    [(0, 6, "0.000000"), (1, 6, "0.000001"), (-1, 6, "-0.000001"), (150, 2, "1.50"), (7, 0, "7"), (-150, 2, "-1.50")],
)
def test_units_are_rendered_with_all_decimal_places(units: int, exponent: int, digits: str) -> None:
    assert render(units, exponent) == digits


@settings(max_examples=500, derandomize=True)
@given(units=st.integers(-INT64_MAX, INT64_MAX), exponent=st.integers(0, 12))
def test_rendered_units_are_parsed_to_the_same_number(units: int, exponent: int) -> None:
    assert parse(render(units, exponent), exponent) == units
