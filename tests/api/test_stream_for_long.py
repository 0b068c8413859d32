"""The WebSocket where parts stop and restart, where many listen, and where much has been.

Longer than 300 lines because its tests share one exchange and a second API, which start once for each file.
"""

import asyncio
import json
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import httpx
import psutil
import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from api.stream.sockets import LOOK_S
from stack.ports import LOOPBACK, free_ports
from tests.api.exchange import Exchange, User, service
from tests.api.websocket_client import listening, new_key, resuming, signed_ticket, websocket_client
from tests.exchange_processes import ExchangeProcesses, running_exchange
from tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MANY: Final = "100000/minute"
PASSING: Final = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, httpx.TransportError)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcesses]:
    limits: dict[str, Any] = {f"rate_limit_{bucket}": MANY for bucket in ("reads", "orders", "closing", "public")}
    with running_exchange(tmp_path_factory.mktemp("exchange"), **limits) as made:
        made.start("engine", "projector", "market-data", "api")
        made.wait_until_ready()
        made.exchange.until_fresh("BTC_USDC")
        yield made


@pytest.fixture(scope="module")
def second(running: ExchangeProcesses) -> Iterator[Exchange]:
    """Another process of the API, beside the first."""
    settings = running.settings.model_copy(update={"port": free_ports(1)[0]})
    with ExitStack() as stack:
        api = stack.enter_context(service("api", settings, running.folder))
        other = Exchange(settings, running.folder)
        stack.callback(other.close)
        other.until_ready(api)
        yield other


@contextmanager
def at(exchange: Exchange, user: User) -> Iterator[User]:
    """The same user's client of another process."""
    there = User(exchange.url, user.email, user.token)
    with there.http:
        yield there


def account_seq(running: ExchangeProcesses, user: User) -> int:
    """Number of the account's last event, once the tables have come to it."""
    account_id = user.get("/account")["account_id"]
    with psycopg.connect(running.settings.database_url.replace("+psycopg", "")) as db:
        row = db.execute("SELECT account_seq FROM ledger.accounts WHERE account_id = %s", (account_id,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_websocket_ticket_made_by_one_process_opens_one_socket_at_another_process(
    running: ExchangeProcesses, second: Exchange
) -> None:
    user = running.exchange.new_user()
    ticket = user.http.post("/ws-ticket").json()["ticket"]
    with websocket_client(second, query=f"?ticket={ticket}") as opened:
        assert opened.next()["account_id"] == user.get("/account")["account_id"]
    with websocket_client(running.exchange, query=f"?ticket={ticket}") as again:
        assert again.end()[0] == 4401


def test_an_api_key_revoked_at_one_process_ends_the_key_s_sockets_at_another_process(
    running: ExchangeProcesses, second: Exchange
) -> None:
    user = running.exchange.new_user()
    key = new_key(user)
    with websocket_client(second, query=f"?ticket={signed_ticket(running.exchange, key)}") as opened:
        opened.asked("subscribe", channels=["account"])
        assert user.http.delete(f"/api-keys/{key.id}").status_code == 204
        began = time.monotonic()
        assert opened.end() == (4401, "the API key was revoked")
        assert time.monotonic() - began < 2 * LOOK_S


def test_a_snapshot_taken_while_the_projector_is_stopped_includes_the_events_since(
    running: ExchangeProcesses, second: Exchange
) -> None:
    user = running.exchange.new_user()
    user.get("/account")
    running.by_name["projector"].send(signal.SIGSTOP)
    try:
        order = user.opened(margin="10")
        kept = user.opened(margin="20")
        assert user.close(order["position_id"]).status_code in (200, 202)
        for exchange in (running.exchange, second):
            with listening(exchange, user) as opened:
                # The account's opening is projected, what came after it is not.
                snapshot = opened.snapshot("account")
                assert snapshot["seq"] == 4
                assert [position["id"] for position in snapshot["data"]["positions"]] == [kept["position_id"]]
            with resuming(exchange, user, after=1) as resumed:
                resumed.until_seq(4)
                assert resumed.seqs() == [2, 3, 4]
                assert resumed.updates()[-1]["data"]["account"]["used_margin"] == "20.000000"
    finally:
        running.by_name["projector"].send(signal.SIGCONT)
    eventually(lambda: account_seq(running, user), lambda seq: seq == 4)
    with listening(running.exchange, user) as opened:
        snapshot = opened.snapshot("account")
        assert snapshot["seq"] == 4
        assert [position["id"] for position in snapshot["data"]["positions"]] == [kept["position_id"]]


def test_a_restart_is_announced_and_the_client_resumes_after_its_last_event(running: ExchangeProcesses) -> None:
    user = running.exchange.new_user()
    with listening(running.exchange, user) as opened, websocket_client(running.exchange) as public:
        public.asked("subscribe", channels=["ticks.BTC_USDC"])
        opened.snapshot("account")
        user.opened(margin="10")
        opened.until_seq(2)
        running.stop("api")
        assert opened.end() == (1012, "the server goes down")
        assert opened.heard[-1]["type"] == "server_shutdown"
        assert public.end()[0] == 1012
    running.start("api")
    running.wait_until_ready()
    user.opened(margin="10")
    with resuming(running.exchange, user, after=1) as resumed:
        resumed.until_seq(3)
        assert resumed.seqs() == [2, 3]


class Listener(threading.Thread):
    """One tab of a user that goes away and comes back, at one process or the other, and keeps what it heard."""

    def __init__(self, user: User, exchanges: list[Exchange], seed: int) -> None:
        super().__init__(daemon=True)
        self.heard: list[int] = []
        self.wrong: list[str] = []
        self.reconnects = 0
        self.last = 1_000_000
        self._user = user
        self._exchanges = exchanges
        self._chance = random.Random(seed)

    def run(self) -> None:
        while len(self.heard) < self.last:
            self.reconnects += 1
            try:
                self._listen(self._chance.choice(self._exchanges))
            except PASSING:
                time.sleep(0.05)
            except AssertionError as error:
                # The process stops, or its database was away; events sent before stay sent.
                if "PROJECTION_BEHIND" not in str(error) and "DATABASE_UNAVAILABLE" not in str(error):
                    self.wrong.append(str(error))

    def _listen(self, exchange: Exchange) -> None:
        until = time.monotonic() + self._chance.uniform(0.05, 2.0)
        with resuming(exchange, self._user, after=len(self.heard)) as opened:
            while time.monotonic() < until and len(self.heard) < self.last:
                message = opened.next(0.5)
                if message.get("channel") == "account" or message["type"] == "resync":
                    if message["type"] != "update" or message["seq"] != len(self.heard) + 1:
                        self.wrong.append(json.dumps(message))
                    self.heard.append(message.get("seq", -1))


def test_each_event_is_received_once_and_in_order_through_restarts_and_pauses(
    running: ExchangeProcesses, second: Exchange
) -> None:
    chance = random.Random(17)
    users = [running.exchange.new_user() for _ in range(3)]
    listeners = [Listener(user, [running.exchange, second], number) for number, user in enumerate(users * 3)]
    ended = threading.Event()

    def trade(user: User) -> None:
        with at(second, user) as there:
            while not ended.wait(0.05):
                try:
                    order = there.order(margin="10")
                    if order.status_code == 201:
                        there.close(order.json()["position_id"])
                except PASSING:
                    time.sleep(0.1)

    traders = [threading.Thread(target=trade, args=(user,)) for user in users]
    for thread in (*listeners, *traders):
        thread.start()
    for _ in range(4):
        time.sleep(chance.uniform(1, 3))
        running.by_name["projector"].send(signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 3))
        running.by_name["projector"].send(signal.SIGCONT)
        stop = running.by_name["api"].kill if chance.random() < 0.5 else running.by_name["api"].stop
        stop()
        running.start("api")
        running.wait_until_ready()
    ended.set()
    for thread in traders:
        thread.join()
    counts = {user.email: account_seq(running, user) for user in users}
    for number, listener in enumerate(listeners):
        listener.last = counts[users[number % len(users)].email]
        listener.join(60)
        assert not listener.is_alive(), (listener.last, len(listener.heard))
        assert listener.wrong == []
        assert listener.heard == list(range(1, listener.last + 1))
    assert min(counts.values()) > 30
    assert sum(listener.reconnects for listener in listeners) > 60


def test_a_user_with_ten_thousand_closed_positions_gets_a_snapshot_as_fast_as_any_other(
    running: ExchangeProcesses,
) -> None:
    user = running.exchange.new_user()
    order = user.opened(margin="10")
    user.close(order["position_id"])
    kept = user.opened(margin="10")
    user.get("/positions")
    with psycopg.connect(running.settings.database_url.replace("+psycopg", "")) as db:
        # The engine's limits forbid so many trades within a test; long-closed positions are rows only.
        db.execute(
            "INSERT INTO ledger.positions "
            "SELECT (jsonb_populate_record(p, jsonb_build_object('position_id', '9-' || n))).* "
            "FROM ledger.positions p, generate_series(1, 10000) n WHERE p.position_id = %s",
            (order["position_id"],),
        )
    started = time.monotonic()
    with listening(running.exchange, user) as opened:
        snapshot = opened.snapshot("account")
        assert time.monotonic() - started < 2
        assert [position["id"] for position in snapshot["data"]["positions"]] == [kept["position_id"]]
        assert len(json.dumps(snapshot)) < 4_000
        user.close(kept["position_id"])
        opened.update_of("PositionClosed")
    page = user.get("/positions", status="closed", limit=500)
    assert len(page["items"]) == 500
    with psycopg.connect(running.settings.database_url.replace("+psycopg", "")) as db:
        db.execute("DELETE FROM ledger.positions WHERE position_id LIKE '9-%'")


async def listen(
    url: str, token: str, count: int, started: asyncio.Semaphore, *, with_prices: bool
) -> tuple[list[int], int]:
    """One of many sockets: hear so many events of the account, and count the prices that came between."""
    heard: list[int] = []
    channels = ["account", "ticks.BTC_USDC"] if with_prices else ["account"]
    async with started:
        socket = await connect(url, open_timeout=60, compression=None)
        await socket.send(json.dumps({"op": "auth", "token": token}))
        await socket.send(json.dumps({"op": "subscribe", "channels": channels}))
        begun, prices = False, 0
        while not begun:
            message: dict[str, Any] = json.loads(await socket.recv())
            begun = message.get("type") == "snapshot" and message["channel"] == "account"
    while len(heard) < count:
        message = json.loads(await asyncio.wait_for(socket.recv(), 200))
        if message.get("channel") == "account" and message["type"] == "update":
            heard.append(message["seq"])
        elif message.get("channel") == "ticks.BTC_USDC":
            prices += 1
    await socket.close()
    return heard, prices


def test_a_thousand_concurrent_sockets_each_get_every_event_within_time_and_memory_bounds(
    running: ExchangeProcesses,
) -> None:
    exchange = running.exchange
    users = [exchange.new_user() for _ in range(10)]
    pid = eventually(lambda: listener_of(running.settings.port), lambda found: found is not None)
    assert pid is not None
    process = psutil.Process(pid)
    before = process.memory_info().rss
    url = f"ws://{LOOPBACK}:{running.settings.port}/api/v1/ws"
    events = 6

    async def all_of_them() -> list[tuple[list[int], int]]:
        gate = asyncio.Semaphore(20)
        # Reading the prices of all thousand would take this process longer than sending them takes the other.
        tasks = [
            asyncio.create_task(listen(url, user.token, events, gate, with_prices=number % 10 == 0))
            for user in users
            for number in range(100)
        ]

        def sockets() -> float:
            page = exchange.metrics()
            return float(next(line for line in page.splitlines() if line.startswith("stream_sockets ")).split()[1])

        while await asyncio.to_thread(sockets) < 1_000:
            assert not any(task.done() for task in tasks), [task for task in tasks if task.done()][:1]
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)
        for user in users:
            for _ in range(events // 2):
                order = await asyncio.to_thread(user.opened, margin="10")
                assert (await asyncio.to_thread(user.close, order["position_id"])).status_code == 200
        return await asyncio.gather(*tasks)

    results = asyncio.run(all_of_them())
    assert [heard for heard, _ in results] == [list(range(2, 2 + events))] * 1_000
    assert sum(prices > 0 for _, prices in results) == 100
    grown = process.memory_info().rss - before
    print(f"{grown / 1e6:.0f} MB for a thousand sockets, {sum(p for _, p in results)} prices told")
    assert grown < 150_000_000
    eventually(exchange.metrics, lambda page: "stream_sockets 0.0" in page)


def listener_of(port: int) -> int | None:
    """The process that listens on a port."""
    found = psutil.net_connections("tcp")
    return next((one.pid for one in found if one.status == "LISTEN" and one.laddr[1:] == (port,)), None)
