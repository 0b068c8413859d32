"""An exchange as a seed's client and its test see it: prices that are set, figures straight from the tables."""

import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
from sqlalchemy import Engine, create_engine

from projector import queries
from runtime.settings import Settings
from schemas.instruments import BY_SYMBOL
from schemas.sharding import shard_of
from schemas.units import parse, render
from tests.api.exchange import PASSWORD, Exchange
from tests.processes import ServiceProcess, eventually

SYMBOLS: Final = ("BTC_USDC", "ETH_USDC", "SOL_USDC")
SETTLE_S: Final = 0.6  # a jump is believed when its second tick comes so much later


class Figures(NamedTuple):
    """An account's money in USDC, its open positions, and the kinds of its ledger lines, oldest first."""

    free: Decimal
    used: Decimal
    balance: Decimal
    open: int
    lines: list[str]


class Market(Exchange):
    """The running services, with a feed in the test's hand that reaches any price."""

    def __init__(self, settings: Settings, folder: Path, services: Mapping[str, ServiceProcess]) -> None:
        super().__init__(settings, folder)
        self.services = services
        self._clients: list[httpx.Client] = []
        self._tables: Engine = create_engine(settings.database_url)

    def close(self) -> None:
        """Close every client."""
        super().close()
        self._tables.dispose()
        for client in self._clients:
            client.close()

    def at(self, symbol: str, ask: str) -> None:
        """Bring the ask there, the bid a tick below; a jump is sent twice, as a feed would."""
        exponent = BY_SYMBOL[symbol].tick_exponent
        top = render(parse(ask, exponent), exponent)
        bid = render(parse(ask, exponent) - 1, exponent)
        for _ in range(3):
            self.price(symbol, bid, top)
            give_up = time.monotonic() + SETTLE_S
            while time.monotonic() < give_up:
                seen = self.ticker(symbol)
                if seen["state"] == "fresh" and seen["ask"] == top:
                    return
                time.sleep(0.02)
        raise AssertionError(f"{symbol} did not reach {ask}: {self.ticker(symbol)}")

    def client(self, **headers: str) -> httpx.Client:
        """A client that keeps cookies, as a browser or an HTTP library of a seed's client does."""
        client = httpx.Client(base_url=self.url, timeout=10.0, headers=headers)
        self._clients.append(client)
        return client

    def figures(self, account_id: str) -> Figures:
        """Look at an account in the tables; nothing of one there is not."""
        with self._tables.connect() as db:
            account = queries.account(db, account_id)
            if account is None:
                return Figures(Decimal(0), Decimal(0), Decimal(0), 0, [])
            lines: list[str] = [line.kind for line in queries.ledger(db, account_id, limit=500).items]
            count = len(queries.positions(db, account_id, limit=500).items)
        free, used, balance = (
            Decimal(amount).scaleb(-6) for amount in (account.cash, account.used_margin, account.balance)
        )
        return Figures(free, used, balance, count, lines[::-1])

    def deposits(self, account_id: str) -> list[Decimal]:
        """What was brought into an account, oldest first, in USDC."""
        with self._tables.connect() as db:
            lines = queries.ledger(db, account_id, limit=500).items
        return [Decimal(line.amount).scaleb(-6) for line in lines[::-1] if line.kind == "deposit"]

    def fills(self, account_id: str) -> list[queries.FillRow]:
        """Each execution of an account's positions, newest first."""
        with self._tables.connect() as db:
            return list(queries.fills(db, account_id, limit=500).items)

    def until_projected(self) -> None:
        """Wait until the tables have what the log had when this began."""
        shards = range(self.settings.shards)
        with self._tables.connect() as db:
            seqs = [self._last_seq(shard) for shard in shards]
            eventually(
                lambda: [queries.projected_seq(db, shard) for shard in shards],
                lambda seen: all(have >= want for have, want in zip(seen, seqs, strict=True)),
            )

    def until_live(self) -> None:
        """Wait until the engine executes every shard."""

        def states() -> list[str]:
            try:
                page = httpx.get(f"http://127.0.0.1:{self.settings.engine_port}/status", timeout=5.0).json()
            except httpx.TransportError:
                return []
            return [shard["state"] for shard in page["shards"]]

        eventually(states, lambda seen: seen == ["live"] * self.settings.shards, 60.0)

    def _last_seq(self, shard: int) -> int:
        status: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.settings.engine_port}/status", timeout=5.0).json()
        return next(int(item["seq"]) for item in status["shards"] if item["shard"] == shard)


class Person:
    """A user registered as in seeds 002 and 003: a token, cookies, and an account."""

    def __init__(self, market: Market, **more: str) -> None:
        """more: what else they say of themselves, as seed 002's keys of the venue."""
        self.market = market
        self.email = f"{uuid4().hex}@example.com"
        self.http = market.client()
        body = {"name": "Ada", "email": self.email, "password": PASSWORD} | more
        registered = self.http.post("/auth/register", json=body)
        assert registered.status_code == 201, registered.text
        self.token: str = registered.json()["token"]
        self.http.cookies.clear()
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.account_id: str = self.http.get("/api/v1/auth/me").json()["account_id"]

    def neighbour(self) -> "Person":
        """Another user with an account in the same shard: an engine without a check would find their positions."""
        shards = self.market.settings.shards
        while shard_of((other := Person(self.market)).account_id, shards) != shard_of(self.account_id, shards):
            pass
        return other

    def post(self, path: str, expected: int = 200, /, **body: Any) -> Any:
        """A request that must be answered so."""
        reply = self.http.post(path, json=body)
        assert reply.status_code == expected, reply.text
        return reply.json()

    def get(self, path: str, **params: str | int) -> Any:
        """A read that must succeed."""
        reply = self.http.get(path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def engine(self, expected: int = 200, /, **body: Any) -> Any:
        """A command to seed 001's engine."""
        return self.post("/api/v1/engine", expected, **body)

    def figures(self) -> Figures:
        """The account's figures, of at least everything that was answered so far."""
        self.market.until_projected()
        return self.market.figures(self.account_id)
