"""Fixtures of the security tests: a whole exchange of processes, one with small bounds, and the application alone."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.api.conftest import exchange, running_exchange
from tests.api.exchange import Exchange
from tests.api.second_process import second_process
from tests.auth.conftest import auth_database, browser, served_site, site, sql, state
from tests.shared_exchange import begin, shared

__all__ = ["auth_database", "browser", "exchange", "served_site", "site", "sql", "state"]

BOUNDS: dict[str, object] = {
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
def second(request: pytest.FixtureRequest, exchange: Exchange) -> Exchange:
    """The exchange of the files of a group, by a second process of the API."""
    return shared(request.config).beside("a second API", lambda: second_process(exchange))


@pytest.fixture(scope="module")
def bounded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """An exchange with small bounds, its replay service beside it; its address 127.0.0.1 is a proxy's."""
    kafka, postgres = request.getfixturevalue("kafka"), request.getfixturevalue("postgres")
    folder, names = tmp_path_factory.mktemp("bounded"), ("engine", "projector", "replay", "api")
    running = shared(request.config).given(lambda: running_exchange(kafka, postgres, folder, names, **BOUNDS))
    begin(running)
    return running
