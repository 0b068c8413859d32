"""Requests are signed, limits obeyed, filters checked and positions folded: each alone, without a server."""

import asyncio
import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from projector.write.venue_positions import NO_HOLDING, Holding, VenueFill, holding_after
from runtime.errors import FixableError
from runtime.settings import Settings
from runtime.vault import KEY_BYTES, NotReadable, Vault, key_bytes, vault_of
from runtime.venue_keys import VenueKeys, open_keys, seal_keys
from schemas.venue import VenueOrder
from tests.venue.market import FILTERS
from venue.binance import CONCURRENT_MAX, Binance, NoSuchOrder, NotSent, OutcomeUnknown, VenueRefused
from venue.clock import VenueClock
from venue.filters import Refusal, refusal_of, rules_of
from venue.rate_limits import VenueRateLimits
from venue.signing import encoded, signature, signed_message

# The venue's documentation publishes this pair; it opens nothing.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
KEYS = VenueKeys("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", SECRET)
ORDER = VenueOrder(
    order_id="an-order",
    symbol="LTCBTC",
    side="buy",
    type="LIMIT",
    quantity="1",
    price="0.1",
    stop_price=None,
    time_in_force=None,
)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),  # noqa: RUF001
    ],
)
def test_a_request_has_the_signature_of_the_venue_s_documentation(symbol: str, expected: str) -> None:
    parameters: dict[str, str | int] = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "0.1",
        "recvWindow": 5000,
        "timestamp": 1499827319559,
    }
    assert signature(encoded(parameters), SECRET) == expected


def test_a_websocket_message_is_signed_with_its_parameters_in_alphabetical_order() -> None:
    signed = signed_message({"timestamp": 1, "apiKey": "k"}, SECRET)
    assert signed["signature"] == signature("apiKey=k&timestamp=1", SECRET)


async def _answered(
    status: int, body: Any, headers: dict[str, str] | None = None
) -> tuple[Any, VenueRateLimits, VenueClock]:
    """What placing an order gives when the venue answers like this."""
    clock = VenueClock()
    limits = VenueRateLimits(clock.now_ms)
    clock.is_synced = True
    content = {"json": body} if not isinstance(body, str) else {"text": body}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, **content))
    async with httpx.AsyncClient(transport=transport, base_url="http://venue") as http:
        try:
            return await Binance(http, limits, clock, 5_000).place(KEYS, ORDER, 1), limits, clock
        except (VenueRefused, NotSent, OutcomeUnknown, NoSuchOrder) as error:
            return error, limits, clock


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, VenueRefused),
        (400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}, VenueRefused),
        (400, {"code": -2010, "msg": "Duplicate order sent."}, OutcomeUnknown),
        (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, VenueRefused),
        (400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, NotSent),
        (400, {"code": -1015, "msg": "Too many new orders."}, NotSent),
        (429, {"code": -1003, "msg": "Too much request weight used."}, NotSent),
        (418, {"code": -1003, "msg": "Way too much request weight used."}, NotSent),
        (403, "<html>", NotSent),
        (400, {"code": -1007, "msg": "Timeout waiting for response from backend server."}, OutcomeUnknown),
        (500, {"code": -1001, "msg": "Internal error."}, OutcomeUnknown),
        (504, "<html>", OutcomeUnknown),
        (200, "not json", OutcomeUnknown),
        (200, {"nothing": "of an order"}, OutcomeUnknown),
    ],
)
def test_only_a_request_that_certainly_had_no_effect_may_be_sent_again(
    status: int, body: Any, meaning: type[Exception]
) -> None:
    given, _, _ = asyncio.run(_answered(status, body))
    assert type(given) is meaning


def test_a_refused_timestamp_makes_the_client_compare_the_clock_again() -> None:
    _, _, clock = asyncio.run(_answered(400, {"code": -1021, "msg": "Timestamp"}))
    assert not clock.is_synced


def test_after_a_429_no_request_is_sent_for_the_retry_after_time() -> None:
    _, limits, _ = asyncio.run(_answered(429, {"code": -1003, "msg": "Too much"}, {"Retry-After": "7"}))
    assert 6 < limits.blocked_s <= 7


INFO = {
    "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000}],
    "symbols": [],
}


def test_the_limits_are_requested_once_before_any_other_request() -> None:
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        await asyncio.sleep(0.01)
        known = request.url.path.endswith("exchangeInfo")
        return httpx.Response(200 if known else 503, json=INFO, headers={"X-MBX-USED-WEIGHT-1M": "40"})

    async def ask_often() -> None:
        clock = VenueClock()
        clock.is_synced = True
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://venue") as http:
            venue = Binance(http, VenueRateLimits(clock.now_ms), clock, 5_000)
            found = await asyncio.gather(*(venue.order(KEYS, ORDER) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(one, OutcomeUnknown) for one in found), found

    asyncio.run(ask_often())
    assert asked == ["/api/v3/exchangeInfo"] + 5 * ["/api/v3/order"]


def test_no_other_request_is_sent_while_the_limits_are_unknown() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(503)

    async def ask_twice() -> None:
        clock = VenueClock()
        clock.is_synced = True
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://venue") as http:
            venue = Binance(http, VenueRateLimits(clock.now_ms), clock, 5_000)
            for _ in range(2):
                with pytest.raises(NotSent, match="limits are not known"):
                    await venue.order(KEYS, ORDER)

    asyncio.run(ask_twice())
    assert asked == 2 * ["/api/v3/exchangeInfo"]


def test_requests_waiting_when_the_venue_answers_429_are_not_sent() -> None:
    sent = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal sent
        if request.url.path.endswith("exchangeInfo"):
            return httpx.Response(200, json=INFO)
        sent += 1
        await asyncio.sleep(0.05)
        return httpx.Response(429, json={"code": -1003, "msg": "Too much"}, headers={"Retry-After": "7"})

    async def ask_often() -> None:
        clock = VenueClock()
        clock.is_synced = True
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://venue") as http:
            venue = Binance(http, VenueRateLimits(clock.now_ms), clock, 5_000)
            found = await asyncio.gather(*(venue.order(KEYS, ORDER) for _ in range(200)), return_exceptions=True)
        assert all(isinstance(one, NotSent) for one in found), found

    asyncio.run(ask_often())
    assert sent == CONCURRENT_MAX


def test_requests_in_flight_count_against_the_limit() -> None:
    async def admitted() -> None:
        limits = VenueRateLimits(lambda: 1_000)
        limits.learn(INFO["rateLimits"])
        for _ in range(5_390):
            await limits.admit(1)
        limits.observe({"X-MBX-USED-WEIGHT-1M": "100"})  # of a reply that has overtaken most requests
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await limits.admit(20)

    asyncio.run(admitted())


def test_a_request_over_the_limit_waits_for_the_next_window() -> None:
    now_ms = 59_900

    async def waited() -> float:
        limits = VenueRateLimits(lambda: now_ms)
        limits.learn([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 100}])
        limits.observe({"X-MBX-USED-WEIGHT-1M": "85"})
        began = time.monotonic()
        await limits.admit(5)  # 90 of 100: as far as we go
        assert time.monotonic() - began < 0.05
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await limits.admit(1)
        return time.monotonic() - began

    assert asyncio.run(waited()) < 1


def test_orders_are_counted_for_each_api_key_separately() -> None:
    async def admitted() -> None:
        limits = VenueRateLimits(lambda: 1_000)
        limits.learn([{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 10}])
        for _ in range(9):
            await limits.admit(1, "one")
        await limits.admit(1, "another")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await limits.admit(1, "one")

    asyncio.run(admitted())


RULES = rules_of(
    {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"],
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8,
        "filters": FILTERS,
    }
)


def judged(kind: str, quantity: str, price: str | None = None, average: str = "50000") -> str | None:
    order = VenueOrder(
        order_id="o", symbol="BTCUSDT", side="buy", type=kind, quantity=quantity, price=price,
        stop_price=None, time_in_force=None,
    )  # fmt: skip
    refusal: Refusal | None = refusal_of(order, RULES, Decimal(average))
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("passes", "fails", "filter_name"),
    [
        (("MARKET", "0.0001"), ("MARKET", "0.00009"), "NOTIONAL"),  # 5.00 and 4.50 at 50,000
        (("LIMIT", "0.00001", "500000"), ("LIMIT", "0.00001", "499999.99"), "NOTIONAL"),
        (("LIMIT", "9", "1000000"), ("LIMIT", "9.00001", "1000000"), "NOTIONAL"),
        (("LIMIT", "9000", "0.01"), ("LIMIT", "9000.00001", "0.01"), "LOT_SIZE"),
        (("MARKET", "50"), ("MARKET", "50.00001"), "MARKET_LOT_SIZE"),
        (("LIMIT", "1", "50000.01"), ("LIMIT", "1", "50000.011"), "PRICE_FILTER"),
        (("LIMIT", "1", "1000000"), ("LIMIT", "1", "1000000.01"), "PRICE_FILTER"),
        (("LIMIT", "0.00001", "500000"), ("LIMIT", "0.000011", "500000"), "LOT_SIZE"),
        (("LIMIT", "1", "50000"), ("LIMIT", "1.000000001", "50000"), "PRECISION"),
    ],
)
def test_the_last_value_inside_a_filter_passes_and_the_first_beyond_is_refused(
    passes: tuple[str, ...], fails: tuple[str, ...], filter_name: str
) -> None:
    assert judged(*passes) is None
    assert judged(*fails) == filter_name


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-1", "0", "", "1e999", "one", "1" * 50])
def test_an_invalid_quantity_is_refused_under_the_name_quantity(quantity: str) -> None:
    assert judged("MARKET", quantity) == "QUANTITY"


def trade(side: str, quantity: str, price: str, commission: str = "0", asset: str = "USDT") -> VenueFill:
    return VenueFill("BTCUSDT", side, Decimal(price), Decimal(quantity), Decimal(commission), asset)


def held(*trades: VenueFill) -> Holding:
    holding = NO_HOLDING
    for one in trades:
        holding = holding_after(holding, one)
    return holding


def of(quantity: str, cost: str, realized: str) -> Holding:
    return Holding(Decimal(quantity), Decimal(cost), Decimal(realized))


def test_a_position_is_netted_at_average_cost_and_a_sale_realizes_its_result() -> None:
    assert held(trade("buy", "1", "100"), trade("buy", "1", "200")) == of("2", "300", "0")
    assert held(trade("buy", "1", "100"), trade("buy", "1", "200"), trade("sell", "1", "180")) == of("1", "150", "30")
    assert held(trade("buy", "1", "100"), trade("sell", "1", "90")) == of("0", "0", "-10")


def test_a_sale_beyond_the_held_quantity_begins_a_negative_position() -> None:
    assert held(trade("buy", "1", "100"), trade("sell", "3", "110")) == of("-2", "-220", "10")
    assert held(trade("sell", "2", "110"), trade("buy", "2", "100")) == of("0", "0", "20")


def test_a_commission_reduces_the_quantity_in_the_base_asset_and_the_result_in_the_quote_asset() -> None:
    assert held(trade("buy", "1", "100", "0.001", "BTC")) == of("0.999", "100", "0")
    assert held(trade("buy", "1", "100"), trade("sell", "1", "110", "0.11")) == of("0", "0", "9.89")
    assert held(trade("buy", "1", "100", "0.01", "BNB")) == of("1", "100", "0")


def test_sealed_keys_open_for_their_user_and_key_id_alone() -> None:
    vault, user, key_id = Vault(b"k" * KEY_BYTES), uuid4(), uuid4()
    sealed = seal_keys(vault, user, key_id, KEYS)
    assert SECRET.encode() not in sealed
    opened = open_keys(vault, user, key_id, sealed)
    assert (opened.api_key, opened.secret) == (KEYS.api_key, SECRET)
    altered = bytes([sealed[0] ^ 1]) + sealed[1:]
    for wrong in (
        (vault, uuid4(), key_id, sealed),
        (vault, user, uuid4(), sealed),
        (Vault(b"K" * KEY_BYTES), user, key_id, sealed),
        (vault, user, key_id, altered),
        (vault, user, key_id, b""),
    ):
        with pytest.raises(NotReadable):
            open_keys(*wrong)


def test_keys_sealed_twice_are_different_bytes_and_are_never_printed() -> None:
    vault, user, key_id = Vault(b"k" * KEY_BYTES), uuid4(), uuid4()
    assert seal_keys(vault, user, key_id, KEYS) != seal_keys(vault, user, key_id, KEYS)
    assert SECRET not in f"{KEYS} {KEYS!r}"


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890123456789012",
        "00" * 32,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_an_encryption_key_is_32_bytes_as_text(text: str) -> None:
    assert len(key_bytes(text)) == KEY_BYTES


@pytest.mark.parametrize("text", ["short", "1" * 31, "1" * 33, "0g" * 32, "A" * 42, "A" * 44, "é" * 32])
def test_an_encryption_key_of_another_length_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(FixableError, match="ENCRYPTION_KEY") as refused:
        key_bytes(text)
    assert text not in str(refused.value)


def test_without_an_encryption_key_there_is_no_vault() -> None:
    with pytest.raises(FixableError, match="ENCRYPTION_KEY is not set"):
        vault_of(Settings.model_validate({"encryption_key": None}))
