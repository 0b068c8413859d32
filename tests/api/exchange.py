"""A whole exchange for tests: engine, projector and API as processes on a real broker and database."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from confluent_kafka import Producer

from runtime.kafka import command_producer_options
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import Command, SelectFeed, SetMarketStatus, UpdatePrices
from schemas.ids import broadcast_id
from schemas.instruments import BY_SYMBOL
from schemas.messages import AliveMark, MarketStatus, Tick
from schemas.topics import COMMANDS
from schemas.units import Ticks, Timestamp, parse
from tests.processes import ServiceProcess, eventually, gone_at_the_end

PASSWORD: Final = "correct horse battery"
READY_TIMEOUT_S: Final = 180.0
FEED: Final = "simulated"


# A third of a second of a processor goes into a password's hash: hundreds of users who sign in would be most of a run.
API_WITH_CHEAP_HASHES: Final = """
import sys
from functools import partial
from api import main
from cli.main import call
main.Passwords = partial(main.Passwords, time_cost=1, memory_cost=1024)
sys.exit(call(["run", "api"]))
"""


class Service(ServiceProcess):
    """One service's process."""

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        code = API_WITH_CHEAP_HASHES if name == "api" else None
        super().__init__(name, settings, folder / f"{name}-{uuid4().hex[:6]}.log", code)


def service(name: str, settings: Settings, folder: Path) -> AbstractContextManager[Service]:
    """A service that is gone at the end of the block."""
    return gone_at_the_end(Service(name, settings, folder))


class User:
    """A registered user's client: signed in by bearer token."""

    def __init__(self, base_url: str, email: str, token: str) -> None:
        self.email = email
        self.token = token
        self.http = httpx.Client(
            base_url=f"{base_url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=10.0
        )

    def get(self, path: str, **params: str | int) -> Any:
        """A read that must succeed; it shows at least the last answer to this client."""
        reply = self.http.get(path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def order(self, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        body = {"symbol": "BTC_USDC", "side": "long", "margin": "100", "leverage": "10"} | fields
        return self.http.post(
            "/orders", json={name: value for name, value in body.items() if value is not None}, headers=headers
        )

    def opened(self, **fields: Any) -> dict[str, Any]:
        """An order that must be filled; a loaded machine may have kept the price waiting for too long."""
        reply = eventually(lambda: self.order(**fields), lambda reply: "PRICE_TOO_OLD" not in reply.text, 15)
        assert reply.status_code == 201, reply.text
        order: dict[str, Any] = reply.json()
        return order

    def close(self, position_id: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.http.post(f"/positions/{position_id}/close", headers=headers)


class Exchange:
    """The running services, and a feed in the test's hand."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.url = f"http://127.0.0.1:{settings.port}"
        self.http = httpx.Client(base_url=self.url, timeout=10.0)
        self._producer = Producer(command_producer_options(settings, "test-feed"))
        self.run = ""
        self.services: Mapping[str, ServiceProcess] = {}
        self._users: list[User] = []
        self._update_id = 0
        self._marks: dict[str, AliveMark] = {}
        self._broadcasts = 0

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """A service does nothing in this block."""
        self.services[name].send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.services[name].send(signal.SIGCONT)

    def metrics(self) -> str:
        """What the API counted."""
        return httpx.get(f"http://127.0.0.1:{self.settings.api_pages_port}/metrics", timeout=30, trust_env=False).text

    def until_ready(self, api: ServiceProcess) -> None:
        def readiness() -> tuple[int, str]:
            assert api.process.poll() is None, api.log[-4000:]
            return self.readiness()

        eventually(readiness, lambda seen: seen[0] == 200, READY_TIMEOUT_S)

    def readiness(self) -> tuple[int, str]:
        """The status code of the API's readiness page; 0 without an answer."""
        try:
            reply = self.http.get("/readyz")
        except httpx.TransportError as error:
            return 0, str(error)
        return reply.status_code, reply.text

    def new_user(self) -> User:
        """Register and sign in."""
        email = f"{uuid4().hex}@example.com"
        reply = self.http.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
        assert reply.status_code == 201, reply.text
        return self.user(email)

    def user(self, email: str) -> User:
        """Sign in."""
        user = User(self.url, email, self.login(email))
        self._users.append(user)
        return user

    def close(self) -> None:
        """Close every client."""
        for user in self._users:
            user.http.close()
        self.http.close()

    def login(self, email: str) -> str:
        with httpx.Client(base_url=self.url, timeout=10.0) as client:
            reply = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        token: str = reply.json()["access_token"]
        return token

    def new_feed(self, name: str = FEED) -> None:
        """Select a feed's new run: every price becomes stale."""
        self.run = uuid4().hex
        self.broadcast(lambda _: SelectFeed(name=name, run=self.run, live=False))

    def price(self, symbol: str, bid: str, ask: str, source_time: int | None = None) -> None:
        """Send one tick to every shard."""
        exponent = BY_SYMBOL[symbol].tick_exponent
        low, high = parse(bid, exponent), parse(ask, exponent)
        self._update_id += 1
        now = time.time_ns() // 1000
        tick = Tick(
            symbol=symbol,
            bid=Ticks(low),
            ask=Ticks(high),
            low=low + high,
            high=low + high,
            source_time=Timestamp(now if source_time is None else source_time),
            update_id=self._update_id,
        )
        self.broadcast(lambda _: UpdatePrices(feed=FEED, run=self.run, sent_at=now, ticks=(tick,), alive=()))
        self._marks[symbol] = AliveMark(symbol=symbol, source_time=tick.source_time, update_id=tick.update_id)

    def confirmed_price(self, symbol: str, bid: str, ask: str) -> None:
        """Two ticks half a second apart in their own time: the second confirms the first."""
        now = time.time_ns() // 1000
        self.price(symbol, bid, ask, now - 1_000_000)
        self.price(symbol, bid, ask, now)

    def alive(self, *symbols: str) -> None:
        """Keep prices fresh."""
        now = time.time_ns() // 1000
        marks = tuple(self._marks[symbol] for symbol in symbols if symbol in self._marks)
        if not marks:
            return  # A feed that has not begun.
        self._send(lambda _: UpdatePrices(feed=FEED, run=self.run, sent_at=now, ticks=(), alive=(), marks=marks))
        self._producer.flush(1)  # A broker that is away, as in a test of that, misses marks.

    def market(self, symbol: str, status: MarketStatus) -> None:
        """Open, restrict or halt a market."""
        self._broadcasts += 1
        name = f"test-{uuid4().hex}"
        self.broadcast(
            lambda shard: SetMarketStatus(
                command_id=broadcast_id(name, shard), shard=shard, broadcast=name, symbol=symbol, status=status
            )
        )

    def broadcast(self, command: Callable[[int], Command]) -> None:
        self._send(command)
        assert self._producer.flush(10) == 0

    def _send(self, command: Callable[[int], Command]) -> None:
        for shard in range(self.settings.shards):
            self._producer.produce(COMMANDS, encode_command(command(shard)), partition=shard)

    def append(self, value: bytes, shard: int) -> None:
        """Put any bytes on the commands topic."""
        self._producer.produce(COMMANDS, value, partition=shard)
        assert self._producer.flush(10) == 0

    def ticker(self, symbol: str) -> dict[str, Any]:
        items = self.http.get("/api/v1/tickers").json()["items"]
        return next(item for item in items if item["symbol"] == symbol)

    def until_fresh(self, symbol: str, bid: str | None = None) -> dict[str, Any]:
        return eventually(
            lambda: self.ticker(symbol), lambda seen: seen["state"] == "fresh" and bid in (None, seen["bid"])
        )
