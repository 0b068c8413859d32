"""Fixtures of the security tests: a whole exchange of processes, one with small bounds, and the application alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.api.conftest import exchange, kept_alive, settings_of
from tests.api.exchange import Exchange, service
from tests.auth.conftest import auth_database, browser, served_site, site, sql, state
from tests.conftest import empty_topics, new_database
from tests.shared_exchange import begin, shared

__all__ = ["auth_database", "browser", "exchange", "served_site", "site", "sql", "state"]

BOUNDS = {
    "trusted_proxies": "127.0.0.1,::1",
    "http_connections": 100,
    "http_connections_of_address": 20,
    "http_head_timeout_ms": 1_500,
    "http_body_timeout_ms": 2_000,
}


@pytest.fixture(scope="module")
def database(exchange: Exchange) -> Iterator[psycopg.Connection]:
    """A connection to the exchange's database; each statement is its own transaction."""
    url = exchange.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def bounded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """An exchange with small bounds, its replay service beside it; its address 127.0.0.1 is a proxy's."""
    kafka, postgres = request.getfixturevalue("kafka"), request.getfixturevalue("postgres")
    running = shared(request.config).given(lambda: _bounded(kafka, postgres, tmp_path_factory.mktemp("bounded")))
    begin(running)
    return running


@contextmanager
def _bounded(kafka: str, postgres: str, folder: Path) -> Iterator[Exchange]:
    with ExitStack() as stack:
        settings = settings_of(kafka, stack.enter_context(new_database(postgres)), folder)
        settings = settings.model_copy(update=BOUNDS)
        empty_topics(settings)
        running = Exchange(settings, folder)
        stack.callback(running.close)
        names = ("engine", "projector", "replay", "api")
        running.services = {name: stack.enter_context(service(name, settings, folder)) for name in names}
        running.until_ready(running.services["api"])
        stack.enter_context(kept_alive(running))
        yield running
