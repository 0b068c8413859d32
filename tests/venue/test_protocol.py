"""Requests are signed, limits obeyed, and keys sealed: each alone, without a server."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from runtime.errors import FixableError
from runtime.settings import Settings
from runtime.vault import KEY_BYTES, NotReadable, Vault, key_bytes, vault_of
from runtime.venue_keys import VenueKeys, open_keys, seal_keys
from schemas.venue_messages import VenueOrder
from venue.binance import CONCURRENT_MAX, Binance, NoSuchOrder, NotSent, OutcomeUnknown, VenueRefused
from venue.clock import VenueClock
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
