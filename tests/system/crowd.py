"""Clients that take all a bound lets them have: silent connections, half heads, WebSockets, and registrations."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from api.stream.admission import SOCKETS_OF_ACCOUNT
from tests.security.slow_clients import LOOPBACK
from tests.system.noted_answers import PASSWORD, TIMEOUT_S

CONNECTIONS: Final = 120
CONNECTIONS_OF_ADDRESS: Final = 40
REGISTRATIONS: Final = 10
# What an instance is started with, so that few clients reach its bounds.
BOUNDS: Final = {
    "HTTP_CONNECTIONS": str(CONNECTIONS),
    "HTTP_CONNECTIONS_OF_ADDRESS": str(CONNECTIONS_OF_ADDRESS),
    "HTTP_HEAD_TIMEOUT_MS": "4000",
    "RATE_LIMIT_REGISTRATIONS": f"{REGISTRATIONS}/minute",
}
HALF_HEAD: Final = b"POST /api/v1/orders HTTP/1.1\r\nHost: here\r\nX-More: "
# From where, and what each connection says before it says no more.
SILENT: Final = {"127.0.0.2": b"", "127.0.0.3": HALF_HEAD, "127.0.0.5": b"G"}
BEYOND: Final = 4  # how many more than the bound each address tries to have
OF_SOCKETS: Final = "127.0.0.4"
OF_REGISTRATIONS: Final = "127.0.0.9"
PAUSE_S: Final = 0.5


class Registration(NamedTuple):
    """An answer to who registered. has_place: it names the opening's place in the log."""

    account_id: str
    has_place: bool


class Crowd(threading.Thread):
    """Holds what it can until it is ended. counts: what became of its tries; token: of the user of its WebSockets."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(name="crowd", daemon=True)
        self.counts: Counter[str] = Counter()
        self.registered: list[Registration] = []
        self._port = port
        self._token = token
        self._ended = threading.Event()

    def run(self) -> None:
        asyncio.run(self._until_ended())

    def end(self) -> None:
        """Let go of everything."""
        self._ended.set()
        self.join(10 * TIMEOUT_S)
        assert not self.is_alive()

    async def _until_ended(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._repeat(lambda address=address, said=said: self._hold(address, said)))  # type: ignore[misc]
                for address, said in SILENT.items()
                for _ in range(CONNECTIONS_OF_ADDRESS + BEYOND)
            ]
            tasks += [
                group.create_task(self._repeat((self._price_socket, self._account_socket)[number % 2]))
                for number in range(SOCKETS_OF_ACCOUNT + 2)
            ]
            tasks += [group.create_task(self._repeat(self._register)) for _ in range(2)]
            while not self._ended.is_set():  # noqa: ASYNC110  # Another thread says so.
                await asyncio.sleep(PAUSE_S)
            for task in tasks:
                task.cancel()

    async def _repeat(self, once: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again; a server that is away is tried again."""
        while True:
            try:
                await once()
            except (OSError, EOFError, ConnectionClosed, InvalidHandshake, httpx.TransportError) as error:
                self.counts[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_S)

    async def _hold(self, address: str, said: bytes) -> None:
        """Have a connection that says so much until the server ends it."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port, local_addr=(address, 0))
        try:
            writer.write(said)
            answer = await reader.read()
            self.counts["refused connections" if b" 503 " in answer[:20] else "ended connections"] += 1
        finally:
            writer.close()

    async def _price_socket(self) -> None:
        """Have a WebSocket of the seeds, and read every price."""
        address = f"ws://{LOOPBACK}:{self._port}/?token={self._token}"
        async with connect(address, proxy=None, local_addr=(OF_SOCKETS, 0)) as socket:
            async for _ in socket:
                self.counts["prices"] += 1

    async def _account_socket(self) -> None:
        """Have a WebSocket of the API with all that happens to the account."""
        address = f"ws://{LOOPBACK}:{self._port}/api/v1/ws"
        async with connect(address, proxy=None, local_addr=(OF_SOCKETS, 0)) as socket:
            await socket.send(json.dumps({"op": "auth", "token": self._token}))
            await socket.send(json.dumps({"op": "subscribe", "channels": ["account", "ticks.BTC_USDC"]}))
            async for text in socket:
                self.counts["refused sockets" if "TOO_MANY_SOCKETS" in str(text) else "messages"] += 1

    async def _register(self) -> None:
        transport = httpx.AsyncHTTPTransport(local_address=OF_REGISTRATIONS)
        base = f"http://{LOOPBACK}:{self._port}/api/v1"
        async with httpx.AsyncClient(base_url=base, transport=transport, timeout=TIMEOUT_S) as client:
            who = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
            reply = await client.post("/auth/register", json=who)
        self.counts[f"registrations {reply.status_code}"] += 1
        if reply.status_code == 201:
            account_id = str(reply.json()["account_id"])
            self.registered.append(Registration(account_id, "Ledger-Position" in reply.headers))
