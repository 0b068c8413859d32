"""The Backpack client over real sockets: every quote in order, none twice, and no bad message is its end."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from market_data.backpack_feed import BackpackFeed
from market_data.backpack_server import BackpackServer
from market_data.clock import SystemClock
from market_data.envelopes import MalformedMessage, read_message
from market_data.feed import FeedQuote, Heartbeat
from market_data.metrics import FeedMetrics
from market_data.recorded_feed import open_recording
from tests.market_data.fake_clock import BTC, REAL_QUOTES, counter_value, new_metrics, next_items, next_quotes
from tests.market_data.ledgers import ledger_of

TIMEOUT_S = 90


def real_server(speed: float | None = None, file: Path = REAL_QUOTES) -> BackpackServer:
    return BackpackServer(open_recording(file, 2, speed), speed, "127.0.0.1", 0, SystemClock())


def client(url: str, metrics: FeedMetrics, silence_s: float = 5.0) -> BackpackFeed:
    return BackpackFeed(url, ledger_of(), SystemClock(), metrics, silence_s=silence_s)


def recorded(field: str) -> list[str]:
    return [str(json.loads(line)["data"][field]) for line in REAL_QUOTES.read_text().splitlines()]


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await test

    asyncio.run(bounded())


def assert_all_real_quotes(quotes: list[FeedQuote]) -> None:
    assert [quote.bid for quote in quotes] == recorded("b")
    assert [quote.ask for quote in quotes] == recorded("a")
    assert [quote.bid_size for quote in quotes] == recorded("B")
    assert [str(quote.update_id) for quote in quotes] == recorded("u")


@pytest.mark.parametrize("speed", [None, 20.0])
def test_all_451_real_quotes_arrive_unchanged_in_order_and_once(speed: float | None) -> None:
    async def test() -> None:
        metrics = new_metrics()
        async with real_server(speed) as server:
            items = client(server.url, metrics).items()
            assert_all_real_quotes(await next_quotes(items, 451))
            # After the last quote only tickers come: the market is quiet, and still heard.
            assert [type(item) for item in await next_items(items, 2)] == [Heartbeat, Heartbeat]
            await items.aclose()  # type: ignore[attr-defined]  # It is a generator.
        assert server.finished
        assert counter_value(metrics, "feed_messages", kind="garbage") == 0
        # ETH is not in the recording, and the server says so, as the exchange does of a market it does not have.
        assert counter_value(metrics, "feed_messages", kind="error") == 2

    run(test())


def test_source_times_are_the_server_s_times_of_sending() -> None:
    async def test() -> None:
        clock = SystemClock()
        async with real_server() as server:
            before = clock.micros()
            quotes = await next_quotes(client(server.url, new_metrics()).items(), 451)
        assert before <= quotes[0].source_time
        assert all(a.source_time <= b.source_time for a, b in itertools.pairwise(quotes))
        assert quotes[-1].source_time <= clock.micros()

    run(test())


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "null",
        "[]",
        "not json",
        '{"stream":"bookTicker.BTC_USDC","data":{"e":"bookTicker","s":"BTC_US',
        '{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC"}}',
        '{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC","a":1.5,"b":1.4,"u":"1","T":1}}',
        '{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC","a":"1","b":"1","u":"one","T":1}}',
        '{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC","a":"1","b":"1","u":"1","T":"now"}}',
        '{"stream":"bookTicker.BTC_USDC","data":[1]}',
        b"\x00\xff\xfe",
        b'{"stream":"bookTicker.BTC_USDC","data":{"s":"\xff","a":"1","b":"1","u":"1","T":1}}',
    ],
)
def test_malformed_messages_are_counted_and_skipped(garbage: str | bytes) -> None:
    async def test() -> None:
        metrics = new_metrics()
        async with real_server(100.0) as server:
            items = client(server.url, metrics).items()
            quotes = await next_quotes(items, 10)
            await server.send_to_all(garbage)
            quotes += await next_quotes(items, 441)
        assert_all_real_quotes(quotes)
        assert len(server.requests) == 1
        assert counter_value(metrics, "feed_messages", kind="garbage") == 1

    run(test())


@pytest.mark.parametrize(
    "without_data", ["{}", '{"result":null,"id":1}', '{"stream":"bookTicker.BTC_USDC"}', '{"stream":"x","data":null}']
)
def test_seed_001_p_a_message_without_data_is_passed_over(without_data: str) -> None:
    async def test() -> None:
        metrics = new_metrics()
        async with real_server(100.0) as server:
            items = client(server.url, metrics).items()
            quotes = await next_quotes(items, 10)
            before = counter_value(metrics, "feed_messages", kind="other")
            await server.send_to_all(without_data)
            quotes += await next_quotes(items, 441)
        assert_all_real_quotes(quotes)
        assert len(server.requests) == 1  # The connection is the first one.
        assert counter_value(metrics, "feed_messages", kind="other") == before + 1

    run(test())


def test_a_quote_older_than_the_last_quote_is_dropped_and_counted() -> None:
    async def test() -> None:
        metrics = new_metrics()
        sent = [(100, "5"), (100, "5"), (99, "9"), (100, "4"), (100, "6"), (101, "1")]

        async def speak(connection: ServerConnection) -> None:
            await connection.recv()
            for at, u in sent:
                await connection.send(book_ticker(u=u, at=at))
            await connection.wait_closed()

        async with serving(speak) as url:
            quotes = await next_quotes(client(url, metrics).items(), 3)
        assert [(quote.source_time, quote.update_id) for quote in quotes] == [(100, 5), (100, 6), (101, 1)]
        assert counter_value(metrics, "feed_messages", kind="not_newer") == 3

    run(test())


def test_a_quote_with_a_time_far_ahead_does_not_make_later_quotes_seem_old() -> None:
    async def test() -> None:
        now = SystemClock().micros()

        async def speak(connection: ServerConnection) -> None:
            await connection.recv()
            for at, u in ((now, "1"), (now + 10**15, "2"), (now + 1, "3")):
                await connection.send(book_ticker(u=u, at=at))
            await connection.wait_closed()

        async with serving(speak) as url:
            quotes = await next_quotes(client(url, new_metrics()).items(), 3)
        assert [quote.update_id for quote in quotes] == [1, 2, 3]

    run(test())


def test_messages_without_prices_of_followed_symbols_are_ignored() -> None:
    async def test() -> None:
        metrics = new_metrics()

        async def speak(connection: ServerConnection) -> None:
            await connection.recv()
            await connection.send('{"id":1,"result":null}')
            await connection.send('{"id":null,"error":{"code":4005,"message":"Invalid market"}}')
            await connection.send('{"stream":"trade.BTC_USDC","data":{"e":"trade","p":"1"}}')
            await connection.send(book_ticker(u="1", at=1).replace("BTC_USDC", "SOL_USDC_PERP"))
            await connection.send('{"stream":"ticker.BTC_USDC","data":{"s":"BTC_USDC","c":"1","v":"123.456"}}')
            await connection.wait_closed()

        async with serving(speak) as url:
            assert await next_items(client(url, metrics).items(), 1) == [
                Heartbeat(symbol=BTC, volume="123.456", last_price="1")
            ]
        assert counter_value(metrics, "feed_messages", kind="other") == 3
        assert counter_value(metrics, "feed_messages", kind="error") == 1

    run(test())


def test_the_client_subscribes_to_best_prices_and_tickers_of_every_symbol() -> None:
    async def test() -> None:
        async with real_server() as server:
            await next_quotes(client(server.url, new_metrics()).items(), 1)
        assert json.loads(server.requests[0]) == {
            "method": "SUBSCRIBE",
            "params": ["bookTicker.BTC_USDC", "bookTicker.ETH_USDC", "ticker.BTC_USDC", "ticker.ETH_USDC"],
        }

    run(test())


@pytest.mark.parametrize(("u", "update_id"), [('"1398765432101"', 1398765432101), ("1398765432101", 1398765432101)])
def test_an_update_id_is_text_or_a_number(u: str, update_id: int) -> None:
    message = read_message(
        '{"stream":"bookTicker.BTC_USDC","data":{"e":"bookTicker","E":1757930400123456,"s":"BTC_USDC",'
        f'"a":"115002.10","A":"0.42000","b":"115001.90","B":"0.10000","u":{u},"T":1757930400122999}}}}'
    )
    assert isinstance(message, FeedQuote)
    assert (message.bid, message.ask, message.update_id) == ("115001.90", "115002.10", update_id)


def test_a_price_as_a_json_number_is_malformed_because_digits_may_be_lost() -> None:
    with pytest.raises(MalformedMessage):
        read_message('{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC","a":1.10,"b":"1","u":1,"T":1}}')


@pytest.mark.parametrize(
    ("request_text", "why"),
    [
        ("nonsense", "Invalid request"),
        ('{"method":"SUBSCRIBE"}', "Invalid request"),
        ('{"method":"SUBSCRIBE","params":["markPrice.BTC_USDC"]}', "Invalid stream: markPrice.BTC_USDC"),
        ('{"method":"SUBSCRIBE","params":["kline.7m.BTC_USDC"]}', "Invalid stream: kline.7m.BTC_USDC"),
        ('{"method":"SUBSCRIBE","params":["depth.5ms.BTC_USDC"]}', "Invalid stream: depth.5ms.BTC_USDC"),
        ('{"method":"SUBSCRIBE","params":["bookTicker.DOGE_USDC"]}', "Invalid market: DOGE_USDC"),
        ('{"method":"LIST","params":[]}', "Invalid method: LIST"),
    ],
)
def test_the_backpack_server_answers_a_bad_request_with_an_error_and_continues(request_text: str, why: str) -> None:
    async def test() -> None:
        async with real_server() as server, connect(server.url, proxy=None) as connection:
            await connection.send(request_text)
            answer = json.loads(await connection.recv())
            assert answer["error"]["message"].startswith(why)
            await connection.send('{"method":"SUBSCRIBE","params":["bookTicker.BTC_USDC"]}')
            assert json.loads(await connection.recv())["data"]["u"] == "1000000"

    run(test())


def test_the_backpack_server_stops_sending_unsubscribed_streams() -> None:
    async def test() -> None:
        async with real_server(20.0) as server, connect(server.url, proxy=None) as connection:
            await connection.send('{"method":"SUBSCRIBE","params":["bookTicker.BTC_USDC","ticker.BTC_USDC"]}')
            await connection.recv()
            await connection.send('{"method":"UNSUBSCRIBE","params":["bookTicker.BTC_USDC"]}')
            told = [json.loads(await connection.recv())["data"]]
            while [data["e"] for data in told[-2:]] != ["ticker", "ticker"]:
                told.append(json.loads(await connection.recv())["data"])
            assert len(told) < 20
            assert {"e", "E", "s", "o", "c", "h", "l", "v", "V", "n"} == set(told[-1])

    run(test())


def test_the_backpack_server_sends_a_late_subscriber_the_last_quote_first() -> None:
    async def test() -> None:
        subscribe = '{"method":"SUBSCRIBE","params":["bookTicker.BTC_USDC"]}'
        async with real_server() as server, connect(server.url, proxy=None) as first:
            await first.send(subscribe)
            for _ in range(450):
                await first.recv()
            last = await first.recv()
            async with connect(server.url, proxy=None) as second:
                await second.send(subscribe)
                assert await second.recv() == last

    run(test())


def book_ticker(u: str, at: int) -> str:
    data = {"e": "bookTicker", "E": at, "s": BTC, "a": "101", "A": "1", "b": "100", "B": "1", "u": u, "T": at}
    return json.dumps({"stream": f"bookTicker.{BTC}", "data": data})


class serving:  # noqa: N801  # It reads as the context manager it is.
    """A WebSocket server whose behaviour is one function."""

    def __init__(self, speak: Callable[[ServerConnection], Awaitable[None]]) -> None:
        self._speak = speak

    async def __aenter__(self) -> str:
        self._server = await serve(self._speak, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()
