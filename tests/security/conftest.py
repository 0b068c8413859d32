"""Fixtures of the security tests: a whole exchange of processes, and the application alone where that is enough."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.api.conftest import exchange
from tests.api.exchange import Exchange
from tests.auth.conftest import auth_database, browser, served_site, site, sql, state

__all__ = ["auth_database", "browser", "exchange", "served_site", "site", "sql", "state"]


@pytest.fixture(scope="module")
def database(exchange: Exchange) -> Iterator[psycopg.Connection]:
    """A connection to the exchange's database; each statement is its own transaction."""
    url = exchange.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
