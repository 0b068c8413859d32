"""Decimals of a source become ticks: bid down, ask up, exactly, or not at all."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.conversion import TickPrice, price_defect, to_ticks
from schemas.instruments import BY_SYMBOL
from schemas.units import NotRepresentable
from tests.market_data.fake_clock import quote

BTC = BY_SYMBOL["BTC_USDC"]


@pytest.mark.parametrize(
    ("bid", "ask", "ticks"),
    [
        ("39432.99", "39433.62", (394_329, 394_337)),
        ("39432.9", "39433.6", (394_329, 394_336)),
        ("39432.90000", "39433.60000", (394_329, 394_336)),
        ("39432.900000000000000001", "39433.600000000000000001", (394_329, 394_337)),
        ("39432.899999999999999999", "39433.599999999999999999", (394_328, 394_336)),
        ("50000", "50000", (500_000, 500_000)),
        ("5e4", "5.00001E+4", (500_000, 500_001)),
        ("0.04", "0.04", (0, 1)),
        ("-0.05", "-0.05", (-1, 0)),
    ],
)
def test_a_price_between_two_ticks_becomes_bid_down_and_ask_up(bid: str, ask: str, ticks: tuple[int, int]) -> None:
    assert to_ticks(quote(bid, ask), BTC) == ticks


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=9))
def test_rounding_agrees_with_decimal_arithmetic_of_unlimited_precision(number: Decimal) -> None:
    with localcontext(Context(prec=100)):
        expected = (
            int((number * 10).to_integral_value(ROUND_FLOOR)),
            int((number * 10).to_integral_value(ROUND_CEILING)),
        )
    assert to_ticks(quote(f"{number:f}", f"{number:f}"), BTC) == expected


@pytest.mark.parametrize(
    "digits",
    ["NaN", "Infinity", "-Infinity", "", " ", "abc", "1,000", "1_000", "0x10", "1e30", "1e999999999", "9" * 41, "٣"],
)
def test_a_price_beyond_the_range_of_a_message_is_refused(digits: str) -> None:
    with pytest.raises(NotRepresentable):
        to_ticks(quote(digits, "50000"), BTC)
    with pytest.raises(NotRepresentable):
        to_ticks(quote("50000", digits), BTC)


def test_times_and_update_ids_beyond_64_bits_are_refused() -> None:
    to_ticks(quote("1", "1", at=2**63 - 1, update_id=2**63 - 1), BTC)
    with pytest.raises(NotRepresentable):
        to_ticks(quote("1", "1", at=2**63), BTC)
    with pytest.raises(NotRepresentable):
        to_ticks(quote("1", "1", update_id=2**63), BTC)


@pytest.mark.parametrize(
    ("bid", "ask", "defect"),
    [
        (1, 1, None),
        (0, 1, "not_positive"),
        (-1, 1, "not_positive"),
        (500_000, 500_000, None),
        (500_001, 500_000, "crossed"),
        (9_985, 10_015, None),  # 0.3 %
        (9_985, 10_016, "spread_too_wide"),
    ],
)
def test_a_price_is_well_formed_by_the_trading_rules(bid: int, ask: int, defect: str | None) -> None:
    assert price_defect(TickPrice(bid, ask), BTC) == defect
