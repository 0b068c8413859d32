"""Real servers of the test run, and a part of them for each test alone."""

import gc
import logging
import os
import signal
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import httpx
import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from httpx._transports import default
from psycopg import sql
from structlog.stdlib import ProcessorFormatter
from xdist.scheduler import LoadFileScheduling

from runtime.kafka import admin_options
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.compiled import is_compiled
from schemas.topics import TOPICS
from stack.ports import free_ports
from stack.postgres_roles import SUPERUSER
from stack.temporary import temporary_broker, temporary_postgres
from tests.shared_exchange import group_of, order_of, shared

# The specification's own assertions show the difference, like a test's.
pytest.register_assert_rewrite(
    "tests.spec.language", "tests.spec.checks", "tests.spec.exchange", "tests.spec.ledger_checks"
)

DELETION_TIMEOUT_S = 60
WITH_CONTAINERS = os.environ.get("REPRISE_TEST_CONTAINERS") == "1"


@pytest.fixture(autouse=True)
def _without_handlers_of_services() -> Iterator[None]:
    """A service that a test begins in this process leaves no handler, whose stream is closed with the test."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, ProcessorFormatter):
            root.removeHandler(handler)


class SettingsFactory(Protocol):
    """Makes the settings of one service; its first call in a test empties the log of the shared broker."""

    def __call__(self, **overrides: object) -> Settings: ...


def pytest_configure() -> None:
    """A run ended by a signal tears its servers down like one that ends by itself, and goes through no proxy."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    # Servers of the tests are on this machine; a test of proxies sets its own.
    for name in [name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "all_proxy"}]:
        del os.environ[name]
    # Hundreds of services are started: each would compile the exchange anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Thousands of clients are made: each would read the certificates anew, in 20 ms of a processor.
    default.create_ssl_context = _tls  # type: ignore[assignment, attr-defined]


def _tls(**options: Any) -> ssl.SSLContext:
    """Give what a client of these options and this environment believes, made once."""
    return _tls_once(*(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")), **options)


@cache
def _tls_once(_file: str | None, _folder: str | None, **options: Any) -> ssl.SSLContext:
    return httpx.create_ssl_context(**options)


def pytest_collection_finish() -> None:
    """What was collected stays until the end, so no collection of garbage walks through it again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that share an exchange follow one another, and what waits for servers begins first.

    What replaces a function of the core runs in the pure build alone.
    """
    why = pytest.mark.skip(reason="a function of a compiled core cannot be replaced: `./reprise test pure` runs this")
    for item in items:
        if is_compiled() and item.get_closest_marker("pure"):
            item.add_marker(why)
    items.sort(key=lambda item: order_of(item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a shared exchange after its group's last test: idle servers slow the rest, and the broker goes before it."""
    group = group_of(item.nodeid)
    if group is not None and (nextitem is None or group_of(nextitem.nodeid) != group):
        shared(item.config).stop()


class ServersShared(LoadFileScheduling):  # type: ignore[misc]  # It comes without types.
    """Gives a worker a file at a time, and all files of a group that shares an exchange at once."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Distribute `--dist loadfile`, which is what `./reprise test` asks for, by the servers that tests share."""
    return ServersShared(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The brokers of the one Kafka all tests share: host:port."""
    with broker_in_container() if WITH_CONTAINERS else temporary_broker(small=True) as brokers:
        yield brokers


@pytest.fixture(scope="module")
def fresh_kafka() -> Iterator[str]:
    """A broker for this module alone: for tests that stop it, or that need a cluster nothing was written to."""
    with temporary_broker(small=True) as brokers:
        yield brokers


@pytest.fixture
def settings(kafka: str, tmp_path: Path) -> SettingsFactory:
    """`settings(**overrides)`: new empty topics, free ports, a data folder; pass `database_url=` where one is used."""
    called = False

    def make(**overrides: object) -> Settings:
        nonlocal called
        api, engine, market_data, projector, replay = free_ports(5)
        values = {
            "data": tmp_path / "data",
            "kafka_brokers": kafka,
            "port": api,
            "engine_port": engine,
            "market_data_port": market_data,
            "projector_port": projector,
            "replay_port": replay,
            "jwt_secret": "a-secret-of-the-tests-of-at-least-32-bytes",
        } | overrides
        made = Settings.model_validate(values)
        if not called:
            empty_topics(made)
            called = True
        return made

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DATABASE_URL of the server's own database `postgres`, where others are made."""
    with postgres_in_container() if WITH_CONTAINERS else temporary_postgres() as url:
        yield url


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """DATABASE_URL of a database of this test's own, empty."""
    with new_database(postgres) as url:
        yield url


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """DATABASE_URL of a new database on this server, gone at the end; a copy of a template without connections."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(create)
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def empty_topics(settings: Settings) -> None:
    """Every topic of the table, made anew."""
    admin = AdminClient(admin_options(settings))
    existing = [topic.name for topic in TOPICS if topic.name in admin.list_topics(timeout=10).topics]
    if existing:
        for deletion in admin.delete_topics(existing, operation_timeout=DELETION_TIMEOUT_S).values():
            deletion.result(timeout=DELETION_TIMEOUT_S)
        deadline = time.monotonic() + DELETION_TIMEOUT_S
        while any(topic.name in admin.list_topics(timeout=10).topics for topic in TOPICS):
            assert time.monotonic() < deadline, "the broker did not delete the topics"
            time.sleep(0.02)
    ensure_topics(settings)


@contextmanager
def broker_in_container() -> Iterator[str]:
    """The same broker from its image, where a Docker engine is reachable."""
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415  # Asks for Docker when imported.

    with KafkaContainer("apache/kafka:4.3.1").with_kraft() as container:
        yield container.get_bootstrap_server()


@contextmanager
def postgres_in_container() -> Iterator[str]:
    """The same PostgreSQL from its image, where a Docker engine is reachable."""
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415  # Asks for Docker when imported.

    with PostgresContainer("postgres:18", username=SUPERUSER, dbname=SUPERUSER, driver="psycopg") as container:
        yield container.get_connection_url()
