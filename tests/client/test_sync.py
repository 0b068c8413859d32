"""The client without an event loop: every call of the other one, from threads, notebooks and generators."""

import asyncio
import inspect
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

import httpx
import pytest

from reprise_client import (
    Administration,
    Client,
    ClientClosed,
    Message,
    Refused,
    SyncAdministration,
    SyncClient,
    SyncTradingSocket,
)
from reprise_client.trading import Trading
from tests.client.stream_server import SmallExchange, small_exchange
from tests.client.test_calls import Exchange
from tests.processes import eventually


@contextmanager
def signed_in(exchange: Exchange) -> Iterator[SyncClient]:
    with SyncClient("http://exchange", transport=httpx.MockTransport(exchange.answer)) as client:
        client.login("ada@example.com", "correct horse battery")
        yield client


def an_order(client: SyncClient) -> Any:
    return client.place_order("BTC_USDC", "long", margin="100", leverage=10)


def client_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reprise-client"]


def test_the_synchronous_client_has_every_call_of_the_other_with_its_parameters_and_explanation() -> None:
    def calls(kind: type) -> dict[str, Any]:
        return {name: call for name, call in inspect.getmembers(kind, callable) if not name.startswith("_")}

    for face, asked in ((SyncClient, Client), (SyncAdministration, Administration), (SyncTradingSocket, Trading)):
        own, other = calls(face), calls(asked)
        assert own.keys() == other.keys()
        for name, call in other.items():
            assert inspect.signature(own[name]).parameters == inspect.signature(call).parameters, name
            assert own[name].__doc__ == call.__doc__ or name == "close_connections", name
    given = inspect.signature(SyncClient.__init__).parameters
    assert given == inspect.signature(Client.__init__).parameters


@pytest.mark.parametrize("fault", ["reply lost", "cut off", "503", "202 and unknown"])
def test_an_order_of_the_synchronous_client_is_executed_once_through_faults(fault: str) -> None:
    exchange = Exchange(fault)
    with signed_in(exchange) as client:
        order = an_order(client)
    assert [order.order_id] == [executed["order_id"] for executed in exchange.executed.values()]


def test_a_refusal_is_raised_where_the_synchronous_call_stands() -> None:
    with signed_in(Exchange(refuses="INSUFFICIENT_MARGIN")) as client, pytest.raises(Refused, match="INSUFFICIENT"):
        an_order(client)


def test_the_synchronous_client_works_within_a_running_event_loop_as_in_a_notebook() -> None:
    async def cell() -> str:
        with signed_in(Exchange()) as client:
            return str(an_order(client).status)

    assert asyncio.run(cell()) == "filled"


def test_many_threads_share_one_synchronous_client() -> None:
    exchange = Exchange(*["reply lost", "503"] * 4)
    with signed_in(exchange) as client, ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda _: an_order(client), range(32)))
    assert {order.order_id for order in orders} == {order["order_id"] for order in exchange.executed.values()}
    assert len(exchange.executed) == 32


def test_a_list_is_iterated_page_by_page_as_far_as_it_is_needed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor", "0")
        asked.append(cursor)
        line = {"time": "2026-01-09T12:00:00Z", "kind": "deposit", "amount": "1", "balance_after": "1", "event_id": "e"}
        items = [line | {"id": f"{cursor}.{number}"} for number in range(2)]
        return httpx.Response(200, json={"items": items, "next_cursor": str(int(cursor) + 1) if cursor < "2" else None})

    with SyncClient("http://exchange", transport=httpx.MockTransport(answer)) as client:
        lines = client.ledger()
        assert [next(lines).id for _ in range(3)] == ["0.0", "0.1", "1.0"]
        assert asked == ["0", "1"]
        assert [line.id for line in lines] == ["1.1", "2.0", "2.1"]


def test_a_closed_client_refuses_calls_and_leaves_no_thread_and_neither_does_a_forgotten_one() -> None:
    before = len(client_threads())
    with signed_in(Exchange()) as client:
        assert len(client_threads()) == before + 1
    client.close_connections()
    with pytest.raises(ClientClosed):
        an_order(client)
    SyncClient("http://exchange")
    eventually(lambda: len(client_threads()), lambda count: count == before)


def test_a_call_that_waits_while_the_client_is_closed_raises_that_in_its_thread() -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(500, request=request)

    client = SyncClient("http://exchange", transport=httpx.MockTransport(never))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.account)
        time.sleep(0.1)
        client.close_connections()
        with pytest.raises(ClientClosed):
            waiting.result(30)


class StreamServer:
    """A small exchange in a thread of its own, which a synchronous test tells what happens."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.ended = asyncio.Event()
        self.exchange: SmallExchange | None = None
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with small_exchange() as self.exchange:
            await self.ended.wait()

    def __enter__(self) -> Self:
        self.thread.start()
        eventually(lambda: self.exchange, lambda made: made is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()
        self.loop.close()

    def happen(self, count: int, *, dropped: bool = False) -> None:
        assert self.exchange is not None
        if dropped:
            asyncio.run_coroutine_threadsafe(self.exchange.drop(), self.loop).result(20)
        asyncio.run_coroutine_threadsafe(self.exchange.happen(count), self.loop).result(20)

    @contextmanager
    def client(self) -> Iterator[SyncClient]:
        assert self.exchange is not None

        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"access_token": "token-1", "expires_in": 900})

        url = f"http://127.0.0.1:{self.exchange.port}"
        with SyncClient(url, transport=httpx.MockTransport(answer)) as client:
            client.login("ada@example.com", "correct horse battery")
            yield client


def test_a_synchronous_stream_is_an_iterator_of_each_event_once_through_disconnections() -> None:
    with StreamServer() as server, server.client() as client, client.stream("account") as messages:
        assert next(messages).kind == "snapshot"
        for _ in range(3):
            server.happen(2)
            server.happen(2, dropped=True)
        assert [next(messages).seq for _ in range(12)] == list(range(1, 13))
        assert messages.account_seq == 12


def test_a_message_that_did_not_come_in_time_comes_next() -> None:
    with StreamServer() as server, server.client() as client, client.stream("account") as messages:
        assert next(messages).kind == "snapshot"
        assert messages.receive(0.05) is None
        server.happen(1)
        message = messages.receive(20)
        assert message is not None
        assert message.seq == 1


def test_a_stream_closed_by_another_thread_ends_its_iteration() -> None:
    heard: list[Message] = []
    with StreamServer() as server, server.client() as client, client.stream("account") as messages:
        reading = threading.Thread(target=lambda: heard.extend(messages))
        reading.start()
        server.happen(1)
        eventually(lambda: messages.account_seq, lambda seq: seq == 1)
        messages.close()
        reading.join(20)
        assert not reading.is_alive()
    assert [message.seq for message in heard] == [0, 1]
