"""Numbers in requests: read from their digits, never through a float, and refused by name where they do not fit."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.http.numbers import read_json
from api.orders.schemas import OrderRequest


def order(body: str) -> OrderRequest:
    fields = {"symbol": "BTC_USDC", "side": "long", "leverage": "10"}
    return OrderRequest.model_validate(fields | read_json(body.encode()))


@pytest.mark.parametrize(
    ("digits", "micros"),
    [
        ("100", 100_000_000),
        ('"100"', 100_000_000),
        ("100.000001", 100_000_001),
        ("9007199254.740993", 9_007_199_254_740_993),  # A double has no such number.
        ("1e3", 1_000_000_000),
        ("0", 0),
        ("-5", -5_000_000),
        ("-0.000001", -1),
    ],
)
def test_a_margin_is_exactly_the_digits_of_the_request(digits: str, micros: int) -> None:
    assert order(f'{{"margin": {digits}}}').margin == micros


@pytest.mark.parametrize(
    "digits",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '"NaN"',
        "1e30",
        '"1e30"',
        "0.0000001",
        '""',
        '" 1"',
        '"1_000"',
        '"٣"',
        "true",
        "[]",
    ],
)
def test_a_margin_that_is_no_amount_is_refused_with_the_field_s_name(digits: str) -> None:
    with pytest.raises(ValidationError) as refused:
        order(f'{{"margin": {digits}}}')
    assert [fault["loc"] for fault in refused.value.errors()] == [("margin",)]


@pytest.mark.parametrize(
    ("digits", "hundredths"), [("1", 100), ("10.5", 1050), ('"100"', 10_000), ("101", 10_100), ("0", 0)]
)
def test_a_leverage_is_read_in_hundredths_and_not_checked_for_its_range(digits: str, hundredths: int) -> None:
    assert order(f'{{"margin": 1, "leverage": {digits}}}').leverage == hundredths


def test_a_leverage_of_three_places_is_refused() -> None:
    with pytest.raises(ValidationError):
        order('{"margin": 1, "leverage": 1.001}')


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"margin": 1, "quantity": 1}',
        '{"margin": 1, "type": "limit"}',
        '{"margin": 1, "price": 5}',
        '{"margin": 1, "trailing": 5}',
        '{"margin": 1, "time_in_force": "gtc"}',
        '{"margin": 1, "side": "buy"}',
        '{"margin": 1, "symbol": 5}',
        '{"margin": 1, "client_order_id": "no spaces"}',
        '{"margin": 1, "client_order_id": ""}',
        '{"margin": 1, "slippage_bps": 1.5}',
    ],
)
def test_an_order_with_unsupported_or_contradictory_fields_is_malformed(body: str) -> None:
    with pytest.raises(ValidationError):
        order(body)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b""])
def test_a_body_that_is_no_json_is_refused_as_invalid_json(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|UTF-8|deep") as refused:
        read_json(body)
    assert not isinstance(refused.value, UnicodeDecodeError)


def test_numbers_deep_in_a_body_keep_their_digits() -> None:
    read: Any = read_json(b'{"a": [1.10, {"b": 1E5}], "c": true, "d": null}')
    assert read == {"a": ["1.10", {"b": "1E5"}], "c": True, "d": None}
