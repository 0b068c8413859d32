"""Fixtures of the API's tests: one exchange for a module, with prices that stay fresh."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Self

import httpx
import psycopg
import pytest
from psycopg import sql

from runtime.settings import Settings
from stack.ports import free_ports
from tests.api.exchange import Exchange, service
from tests.conftest import empty_topics, new_database
from tests.processes import eventually
from tests.shared_exchange import begin, group_of, shared

SHARDS = 2
ALIVE_INTERVAL_S = 0.8


@pytest.fixture(scope="module")
def database(postgres: str) -> Iterator[str]:
    """A database of this module's own, empty."""
    name = f"api_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgres.rpartition("/")[0] + f"/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def settings_of(kafka: str, database: str, folder: Path) -> Settings:
    api, engine, market_data, projector, replay, pages = free_ports(6)
    return Settings.model_validate(
        {
            "data": folder / "data",
            "kafka_brokers": kafka,
            "database_url": database,
            "shards": SHARDS,
            "port": api,
            "engine_port": engine,
            "market_data_port": market_data,
            "projector_port": projector,
            "replay_port": replay,
            "api_pages_port": pages,
            "jwt_secret": "a-key-of-the-tests-of-at-least-32-bytes",
            "encryption_key": "a-key-of-the-tests-with-32-bytes",
        }
    )


@pytest.fixture(scope="module")
def exchange(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A whole exchange, BTC at 50,000 and ETH at 2,000 with a spread of one tick, kept fresh; SOL without a price.

    It is this module's own, or that of the module's group.
    """

    def started() -> AbstractContextManager[Exchange]:
        kafka, postgres = request.getfixturevalue("kafka"), request.getfixturevalue("postgres")
        return running_exchange(kafka, postgres, tmp_path_factory.mktemp("exchange"))

    with ExitStack() as stack:
        own = group_of(request.node.nodeid) is None
        running = stack.enter_context(started()) if own else shared(request.config).given(started)
        begin(running)
        yield running


@contextmanager
def running_exchange(
    kafka: str,
    postgres: str,
    folder: Path,
    names: tuple[str, ...] = ("engine", "projector", "api"),
    **settings_of_it: object,
) -> Iterator[Exchange]:
    """A whole exchange of these services without prices; what is sent is kept fresh."""
    with ExitStack() as stack:
        settings = settings_of(kafka, stack.enter_context(new_database(postgres)), folder)
        settings = settings.model_copy(update=settings_of_it)
        empty_topics(settings)
        running = Exchange(settings, folder)
        stack.callback(running.close)
        running.services = {name: stack.enter_context(service(name, settings, folder)) for name in names}
        running.until_ready(running.services["api"])
        stack.enter_context(kept_alive(running))
        yield running


@pytest.fixture(scope="module")
def replaying(request: pytest.FixtureRequest, exchange: Exchange) -> Iterator[None]:
    """The replay service runs beside the exchange."""
    if group_of(request.node.nodeid) is None:
        with running_replay(exchange):
            yield
    else:
        shared(request.config).beside("replay", lambda: running_replay(exchange))
        yield


@contextmanager
def running_replay(exchange: Exchange) -> Iterator[None]:
    """The replay service of an exchange, once it is ready."""
    page = f"http://127.0.0.1:{exchange.settings.replay_port}/readyz"
    with service("replay", exchange.settings, exchange.folder):
        eventually(lambda: _status_of(page), lambda status: status == 200)
        yield


def _status_of(page: str) -> int:
    """The status code of a page; 0 without an answer."""
    try:
        return httpx.get(page, timeout=10.0, trust_env=False).status_code
    except httpx.TransportError:
        return 0


class kept_alive:  # noqa: N801  # It is used like a function.
    """Sends alive marks while a block runs."""

    def __init__(self, exchange: Exchange, symbols: tuple[str, ...] = ("BTC_USDC", "ETH_USDC")) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._mark, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _mark(self) -> None:
        while not self._ended.wait(ALIVE_INTERVAL_S):
            self._exchange.alive(*self._symbols)
