"""The Backpack client's connection: it is made again after every end, loses no later quote, and waits in between."""

import random

import pytest

from market_data.backpack_feed import backoff_s
from market_data.backpack_server import BackpackServer
from market_data.clock import SystemClock
from market_data.feed import FeedInterrupted, FeedItem, FeedQuote, Heartbeat
from market_data.recorded_feed import open_recording
from runtime.addresses import is_local
from tests.market_data.fake_clock import BTC, REAL_QUOTES, new_metrics, next_items, next_quotes
from tests.market_data.test_backpack import assert_all_real_quotes, book_ticker, client, real_server, recorded, run


def test_every_quote_arrives_once_across_close_frames() -> None:
    async def test() -> None:
        metrics = new_metrics()
        async with real_server(100.0) as server:
            items = client(server.url, metrics).items()
            quotes = await next_quotes(items, 150)
            await server.drop_connections()
            quotes += await next_quotes(items, 150)
            await server.drop_connections()
            quotes += await next_quotes(items, 151)
        assert_all_real_quotes(quotes)
        assert server.requests == [server.requests[0]] * 3

    run(test())


def test_the_client_reconnects_after_a_cut_connection_and_continues_in_order() -> None:
    async def test() -> None:
        async with real_server(50.0) as server:
            items = client(server.url, new_metrics()).items()
            quotes = await next_quotes(items, 100)
            await server.drop_connections(with_close_frame=False)
            while not isinstance(item := await anext(items), FeedInterrupted):
                if isinstance(item, FeedQuote):
                    quotes.append(item)
            while quotes[-1].update_id != int(recorded("u")[-1]):
                quotes += await next_quotes(items, 1)
        ids = [quote.update_id for quote in quotes]
        assert ids == sorted(set(ids))
        # What was on its way in the cut connection is lost, as it would be at the exchange; the last price is not.
        assert len(ids) >= 200

    run(test())


def test_a_connection_without_messages_is_closed_and_made_again() -> None:
    async def test() -> None:
        async with real_server(100.0) as server:
            items = client(server.url, new_metrics(), silence_s=0.3).items()
            await next_quotes(items, 10)
            server.silent = True
            item: FeedItem = Heartbeat(symbol=BTC)
            while not isinstance(item, FeedInterrupted):
                item = await anext(items)
            server.silent = False
            assert isinstance((await next_quotes(items, 1))[0], FeedQuote)
        assert len(server.requests) >= 2

    run(test())


def test_a_message_in_fragments_is_one_message() -> None:
    async def test() -> None:
        async with real_server() as server:
            items = client(server.url, new_metrics()).items()
            await next_quotes(items, 451)
            text = book_ticker(u="2000000", at=SystemClock().micros())
            await server.send_to_all([text[:10], text[10:60], text[60:]])
            assert (await next_quotes(items, 1))[0].update_id == 2_000_000

    run(test())


def test_an_incomplete_frame_before_a_cut_is_a_lost_connection() -> None:
    async def test() -> None:
        async with real_server(100.0) as server:
            items = client(server.url, new_metrics()).items()
            await next_quotes(items, 20)
            server.silent = True
            # The header of a text frame of 200 bytes, and ten of them.
            server.write_bytes(b'\x81\x7e\x00\xc8{"stream":')
            await server.drop_connections(with_close_frame=False)
            server.silent = False
            assert await next_quotes(items, 100)

    run(test())


def test_bytes_that_are_no_frame_are_a_lost_connection() -> None:
    async def test() -> None:
        async with real_server(100.0) as server:
            items = client(server.url, new_metrics()).items()
            await next_quotes(items, 20)
            server.write_bytes(b"\xff" * 40)
            found = []
            while FeedInterrupted() not in found:
                found.append(await anext(items))
            assert await next_quotes(items, 50)

    run(test())


def test_the_client_keeps_trying_to_reach_an_absent_server() -> None:
    async def test() -> None:
        async with real_server() as server:
            url = server.url
        items = client(url, new_metrics()).items()
        assert await next_items(items, 2) == [FeedInterrupted(), FeedInterrupted()]
        again = BackpackServer(
            open_recording(REAL_QUOTES, 2, None), None, "127.0.0.1", int(url.rpartition(":")[2]), SystemClock()
        )
        async with again:
            assert_all_real_quotes(await next_quotes(items, 451))

    run(test())


def test_the_pause_between_attempts_doubles_from_half_a_second_to_thirty_with_full_jitter() -> None:
    dice = random.Random(1)
    for failures, ceiling in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30, 30]):
        drawn = [backoff_s(failures, dice) for _ in range(2_000)]
        assert 0 <= min(drawn) < ceiling * 0.05
        assert ceiling * 0.95 < max(drawn) <= ceiling
    assert backoff_s(10**9, dice) <= 30


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("ws://127.0.0.1:1", True),
        ("ws://localhost", True),
        ("ws://[::1]:5", True),
        ("wss://ws.backpack.exchange", False),
    ],
)
def test_a_proxy_is_used_for_outside_addresses_only(url: str, local: bool) -> None:
    assert is_local(url) is local
