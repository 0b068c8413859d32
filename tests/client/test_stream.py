"""The client's stream: it comes back by itself, and each private event comes exactly once and in order."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from reprise_client import (
    AccountSnapshot,
    AccountUpdate,
    Client,
    Malformed,
    Message,
    NotSignedIn,
    Stream,
    StreamRefused,
    Ticker,
    Unreachable,
)
from stack.ports import free_ports
from tests.client.stream_server import SmallExchange, small_exchange

Test = Callable[[SmallExchange, Client], Awaitable[None]]


def with_a_stream_server(test: Test, *, patience_s: float = 20.0, renewed: str | None = "token-2") -> None:
    """Run a test against a small exchange, signed in with token-1; refreshing gives `renewed`."""

    async def run() -> None:
        async with small_exchange() as exchange:

            def answer(request: httpx.Request) -> httpx.Response:
                if request.url.path.endswith("/auth/login"):
                    return httpx.Response(200, json={"access_token": "token-1", "expires_in": 900})
                if renewed is None:
                    return httpx.Response(401, json={"code": "TOKEN_INVALID", "title": "The session is over"})
                return httpx.Response(200, json={"access_token": renewed, "expires_in": 900})

            url = f"http://127.0.0.1:{exchange.port}"
            async with Client(url, patience_s=patience_s, transport=httpx.MockTransport(answer)) as client:
                await client.login("ada@example.com", "correct horse battery")
                async with asyncio.timeout(30):
                    await test(exchange, client)

    asyncio.run(run())


@asynccontextmanager
async def followed(
    client: Client, *channels: str, after: int | None = None
) -> AsyncIterator[tuple[Stream, list[Message]]]:
    """Follow in the background; the list grows as messages come."""
    heard: list[Message] = []
    async with client.stream(*channels, after=after) as stream:

        async def listen() -> None:
            async for message in stream:
                heard.append(message)  # noqa: PERF401  # It is looked at while it grows.

        listening = asyncio.create_task(listen())
        try:
            yield stream, heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # Any condition of a test.
            await asyncio.sleep(0.01)


def updates(heard: list[Message]) -> list[int]:
    return [message.seq for message in heard if message.channel == "account" and message.kind == "update"]


def test_a_stream_begins_with_snapshots_and_continues_with_updates() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last = 4
        async with followed(client, "ticks.BTC_USDC", "account") as (stream, heard):
            await exchange.until_listening()
            await exchange.happen(2)
            await until(lambda: len(heard) == 4)
        tick, snapshot, first, second = heard
        assert tick.read(Ticker).bid == Decimal("49999.9")
        assert (snapshot.kind, snapshot.seq, snapshot.read(AccountSnapshot).positions) == ("snapshot", 4, ())
        assert (first.seq, second.seq, stream.account_seq) == (5, 6, 6)
        assert second.read(AccountUpdate).event_id == "2-6"
        assert exchange.heard[0] == {"op": "auth", "token": "token-1"}

    with_a_stream_server(test)


def test_a_stream_keeps_updates_that_arrive_before_the_first_read() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last = 4
        async with client.stream("ticks.BTC_USDC", "account") as stream:
            await exchange.happen(2)
            heard = [await anext(stream) for _ in range(4)]
        assert [(message.channel, message.seq) for message in heard[1:]] == [("account", seq) for seq in (4, 5, 6)]

    with_a_stream_server(test)


@pytest.mark.parametrize("seed", range(3))
def test_through_any_disconnections_each_private_event_comes_once_and_in_order(seed: int) -> None:
    dice = random.Random(seed)

    async def test(exchange: SmallExchange, client: Client) -> None:
        async with followed(client, "account") as (stream, heard):
            await exchange.until_listening()
            await until(lambda: len(heard) == 1)
            for _ in range(5):
                await exchange.happen(dice.randint(0, 5))
                await exchange.drop(dice.choice([None, 1001, 1012, 4408, 4429]))
                await exchange.happen(dice.randint(0, 3))
                await exchange.until_listening()
            await exchange.happen(1)
            await until(lambda: stream.account_seq == exchange.last)
            await asyncio.sleep(0.05)
        assert updates(heard) == list(range(1, exchange.last + 1))
        assert [message.kind for message in heard].count("snapshot") == 1

    with_a_stream_server(test)


def test_a_cancelled_wait_for_a_message_loses_no_message() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        async with client.stream("account") as stream:
            assert (await anext(stream)).kind == "snapshot"
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await anext(stream)
            await exchange.happen(3)
            assert [(await anext(stream)).seq for _ in range(3)] == [1, 2, 3]

    with_a_stream_server(test)


def test_a_reader_asking_while_the_stream_is_being_closed_gets_its_end() -> None:
    async def test(_: SmallExchange, client: Client) -> None:
        async with client.stream("account") as stream:
            assert (await anext(stream)).kind == "snapshot"
            closing = asyncio.ensure_future(stream.close())
            await asyncio.sleep(0)
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            await closing

    with_a_stream_server(test)


def test_a_reader_waiting_while_the_stream_is_closed_gets_its_end() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        del exchange
        async with client.stream("account") as stream:
            await anext(stream)
            listening = asyncio.create_task(_all_of(stream))
            await asyncio.sleep(0.05)
        assert await listening == []

    with_a_stream_server(test)


async def _all_of(stream: Stream) -> list[Message]:
    return [message async for message in stream]


def test_a_returning_program_resumes_after_its_last_processed_event() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last = 9
        async with followed(client, "account", after=6) as (_, heard):
            await exchange.until_listening()
            await exchange.happen(1)
            await until(lambda: len(heard) == 4)
        assert updates(heard) == [7, 8, 9, 10]

    with_a_stream_server(test)


def test_after_too_long_an_absence_a_snapshot_replaces_the_missed_updates() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last, exchange.kept = 900, 400
        async with followed(client, "account", after=6) as (_, heard):
            await exchange.until_listening()
            await exchange.happen(1)
            await until(lambda: len(heard) == 2)
        assert [(message.kind, message.seq) for message in heard] == [("snapshot", 900), ("update", 901)]

    with_a_stream_server(test)


def test_a_lost_update_is_requested_again() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        async with followed(client, "account") as (_, heard):
            await exchange.until_listening()
            await exchange.happen(2)
            await exchange.happen(2, unseen=True)
            await exchange.happen(3)
            await until(lambda: len(updates(heard)) == 7)
        assert updates(heard) == [1, 2, 3, 4, 5, 6, 7]
        assert [said["after"] for said in exchange.heard if said["op"] == "resume"] == [2]

    with_a_stream_server(test)


@pytest.mark.parametrize("by", ["the answer to auth", "the close code"])
def test_an_expired_token_is_renewed_and_no_update_is_missed(by: str) -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last = 3
        if by == "the answer to auth":
            exchange.good = "token-2"
        async with followed(client, "account", after=0) as (_, heard):
            if by == "the close code":
                await exchange.until_listening()
                exchange.good = "token-2"
                await exchange.drop(4401)
            await exchange.until_listening()
            await exchange.happen(1)
            await until(lambda: len(updates(heard)) == 4)
        assert updates(heard) == [1, 2, 3, 4]
        assert exchange.heard[-2]["token"] == "token-2"

    with_a_stream_server(test)


def test_the_stream_of_an_ended_session_raises_not_signed_in() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.good = "another"
        with pytest.raises(NotSignedIn):
            async with client.stream("account"):
                pass

    with_a_stream_server(test, renewed=None)


def test_an_error_that_reconnecting_cannot_mend_is_raised() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        async with client.stream("nonsense") as stream:
            with pytest.raises(Malformed, match="there is no channel nonsense"):
                await anext(aiter(stream))
        async with client.stream("account") as stream:
            messages = aiter(stream)
            await anext(messages)
            closing = asyncio.create_task(exchange.drop(1008))
            with pytest.raises(StreamRefused, match="as the test wants") as raised:
                await anext(messages)
            await closing
            assert raised.value.code == 1008

    with_a_stream_server(test)


def test_a_server_behind_the_last_received_event_is_not_accepted() -> None:
    async def test(exchange: SmallExchange, client: Client) -> None:
        exchange.last = 3
        async with client.stream("account", after=10) as stream:
            with pytest.raises(Unreachable, match="behind what was heard"):
                await anext(aiter(stream))

    with_a_stream_server(test, patience_s=0.5)


def test_an_unreachable_server_is_raised_after_the_patience() -> None:
    async def run() -> None:
        (port,) = free_ports(1)
        async with Client(f"http://127.0.0.1:{port}", patience_s=0.3) as client:
            with pytest.raises(Unreachable):
                async with client.stream("account"):
                    pass

    asyncio.run(run())
