"""The Backpack server speaks of a recording of quotes in every stream that the seeds' clients subscribe to."""

import asyncio
import json
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from market_data.backpack_server import BackpackServer
from market_data.clock import SystemClock
from market_data.derived_streams import (
    Klines,
    StreamName,
    depth_message,
    interval_end,
    interval_start,
    read_stream,
    trade_message,
)
from market_data.recorded_feed import open_recording
from tests.market_data.fake_clock import REAL_QUOTES, START_US, quote

RECORDED = [json.loads(line)["data"] for line in REAL_QUOTES.read_text().splitlines()]
MINUTE_US = 60_000_000


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(bounded())


async def subscribed(connection: ClientConnection, *streams: str) -> None:
    await connection.send(json.dumps({"method": "SUBSCRIBE", "params": list(streams), "id": 1}))


async def told(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await connection.recv())
    return message


def real_server(speed: float | None) -> BackpackServer:
    return BackpackServer(open_recording(REAL_QUOTES, 2, speed), speed, "127.0.0.1", 0, SystemClock())


def data_of(message: str | None) -> dict[str, Any]:
    assert message is not None
    data: dict[str, Any] = json.loads(message)["data"]
    return data


@pytest.mark.parametrize(
    "stream", ["ticker.BTC_USDC", "trade.BTC_USDC", "depth.BTC_USDC", "kline.1m.BTC_USDC", "bookTicker.BTC_USDC"]
)
def test_the_recording_advances_for_a_subscriber_of_any_one_stream(stream: str) -> None:
    async def test() -> None:
        async with real_server(None) as server, connect(server.url, proxy=None) as connection:
            await subscribed(connection, stream)
            while not server.finished:
                assert (await told(connection))["stream"] == stream

    run(test())


def test_a_ticker_s_price_moves_for_a_subscriber_of_nothing_else() -> None:
    async def test() -> None:
        async with real_server(20.0) as server, connect(server.url, proxy=None) as connection:
            await subscribed(connection, "ticker.BTC_USDC")
            prices = {(await told(connection))["data"]["c"] for _ in range(3)}
        assert len(prices) > 1

    run(test())


def test_the_changes_of_a_depth_follow_each_other_and_make_the_recorded_quotes() -> None:
    async def test() -> None:
        async with real_server(None) as server, connect(server.url, proxy=None, max_queue=None) as connection:
            await subscribed(connection, "depth.200ms.BTC_USDC")
            book: dict[str, dict[Decimal, Decimal]] = {"a": {}, "b": {}}
            last = None
            for recorded in RECORDED:
                data = (await told(connection))["data"]
                assert last is None or data["U"] == last + 1
                last = data["u"]
                for side, levels in book.items():
                    levels |= {Decimal(price): Decimal(size) for price, size in data[side]}
                    for price in [price for price, size in levels.items() if size == 0]:
                        del levels[price]
                assert book == {side: {Decimal(recorded[side]): Decimal(recorded[side.upper()])} for side in "ab"}

    run(test())


def test_a_late_subscriber_of_a_depth_first_gets_all_there_is() -> None:
    async def test() -> None:
        async with real_server(None) as server, connect(server.url, proxy=None, max_queue=None) as first:
            await subscribed(first, "depth.BTC_USDC")
            for _ in RECORDED:
                await told(first)
            async with connect(server.url, proxy=None) as second:
                await subscribed(second, "depth.BTC_USDC")
                data = (await told(second))["data"]
        newest = RECORDED[-1]
        assert (data["a"], data["b"]) == ([[newest["a"], newest["A"]]], [[newest["b"], newest["B"]]])
        assert data["U"] == data["u"] == int(newest["u"])

    run(test())


def test_a_trade_is_at_the_ask_of_a_rising_quote_and_at_the_bid_of_a_falling_one() -> None:
    first, higher, lower = quote("99", "101"), quote("100", "102", update_id=2), quote("98", "100", update_id=3)
    assert data_of(trade_message(first, None, START_US))["p"] == "101"
    risen, fallen = (data_of(trade_message(now, first, START_US)) for now in (higher, lower))
    assert (risen["p"], risen["m"]) == ("102", False)
    assert (fallen["p"], fallen["m"]) == ("98", True)
    assert set(risen) == {"e", "E", "s", "p", "q", "b", "a", "t", "T", "m"}


def test_a_quote_of_the_same_prices_is_no_trade() -> None:
    assert trade_message(quote("99", "101", update_id=2), quote("99", "101"), START_US) is None


def test_a_level_of_unknown_size_is_there_and_one_that_is_left_is_gone() -> None:
    data = data_of(depth_message("depth.BTC_USDC", quote("99", "101", update_id=5), quote("98", "101"), START_US))
    assert (data["a"], data["b"]) == ([["101", "1"]], [["99", "1"], ["98", "0"]])


def test_a_candle_of_quotes_is_sent_as_it_changes_and_once_more_when_it_is_over() -> None:
    klines = Klines("BTC_USDC")
    begin = START_US // MINUTE_US * MINUTE_US
    assert klines.add(quote("99", "101"), begin, {"1m"}) == []
    assert klines.add(quote("109", "111"), begin + 1, {"1m"}) == []
    ((interval, message),) = klines.take_changed(begin + 2)
    assert interval == "1m"
    open_one = data_of(message)
    assert [open_one[name] for name in "ohlc"] == ["100", "110", "100", "110"]
    assert (open_one["X"], open_one["n"]) == (False, 2)
    assert klines.take_changed(begin + 3) == []
    assert klines.end_due(begin + MINUTE_US - 1) == []
    ((_, last),) = klines.end_due(begin + MINUTE_US)
    closed = data_of(last)
    assert closed["X"] is True
    assert closed["t"] == "2023-11-14T22:13:00"
    assert closed["T"] == "2023-11-14T22:14:00"
    assert klines.end_due(begin + MINUTE_US) == []


def test_a_candle_that_is_over_ends_before_the_quote_that_begins_the_next() -> None:
    klines = Klines("BTC_USDC")
    begin = START_US // MINUTE_US * MINUTE_US
    klines.add(quote("99", "101"), begin, {"1m"})
    ((_, over),) = klines.add(quote("199", "201"), begin + MINUTE_US, {"1m"})
    assert (data_of(over)["c"], data_of(over)["X"]) == ("100", True)
    ((_, next_one),) = klines.take_changed(begin + MINUTE_US)
    assert data_of(next_one)["o"] == "200"


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("1s", 1_699_999_999, 1_700_000_000),
        ("1h", 1_699_999_200, 1_700_002_800),
        ("1w", 1_699_833_600, 1_700_438_400),  # Monday 13 November 2023
        ("1month", 1_698_796_800, 1_701_388_800),  # all of November
    ],
)
def test_an_interval_begins_and_ends_where_the_calendar_says(interval: str, start: int, end: int) -> None:
    assert interval_start(interval, start * 1_000_000) == start
    assert interval_start(interval, end * 1_000_000 - 1) == start
    assert interval_end(interval, start) == end
    assert interval_start(interval, end * 1_000_000) == end


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("ticker.BTC_USDC", StreamName("ticker", "", "BTC_USDC")),
        ("depth.BTC_USDC", StreamName("depth", "", "BTC_USDC")),
        ("depth.600ms.BTC_USDC", StreamName("depth", "", "BTC_USDC")),
        ("kline.15m.BTC_USDC", StreamName("kline", "15m", "BTC_USDC")),
        ("kline.BTC_USDC", None),
        ("liquidation", None),
    ],
)
def test_the_name_of_a_stream_says_what_it_is_of(stream: str, name: StreamName | None) -> None:
    assert read_stream(stream) == name
