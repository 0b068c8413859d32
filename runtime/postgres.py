"""Whether a PostgreSQL is one the exchange can use: it answers, is new enough, and keeps a session a connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection, InterfaceError, OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from runtime.errors import FixableError

OLDEST: Final = 15
# What the services ask of a session when they open it, and a pooler may not pass on.
OPTIONS: Final = "-c statement_timeout=5s"
TIMEOUT_S: Final = 5
# How a server's own refusal of a connection begins; whoever is silent says nothing.
REFUSAL: Final = "FATAL:"
DATABASE_FAILURES: Final = (OperationalError, InterfaceError, PoolTimeout)


@contextmanager
def usable(database_url: str) -> Iterator[None]:
    """Do a block's work on a database; FixableError where it does not answer, or breaks the work off."""
    try:
        yield
    except (*DATABASE_FAILURES, DBAPIError) as error:
        failure = getattr(error, "orig", error)
        if not isinstance(failure, DATABASE_FAILURES):
            raise
        raise FixableError(
            f"The database cannot be used: {why_unusable(failure, database_url)}. Check DATABASE_URL, and what "
            "`./reprise status` shows."
        ) from error


def why_unusable(failure: BaseException, database_url: str) -> str:
    """Say what became of a question to a database: nobody answered, or what the server said."""
    parts = conninfo_to_dict(_address(database_url))
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    said = str(failure).strip()
    if REFUSAL in said:
        return f"PostgreSQL at {place} says: {_first_line(said.rpartition(REFUSAL)[2])}"
    if isinstance(failure, DATABASE_FAILURES) and getattr(failure, "sqlstate", None) is None:
        return f"no PostgreSQL answers at {place}"
    return f"PostgreSQL at {place} says: {_first_line(said)}"


def require_usable(database_url: str) -> None:
    """Look at the server of a DATABASE_URL; FixableError where the exchange could not keep its tables there.

    OperationalError where none answers.
    """
    address = _address(database_url)
    with _connect(address) as connection:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise FixableError(f"The PostgreSQL of DATABASE_URL is version {version}; {OLDEST} or newer is needed.")
        if _server_process(connection) != connection.info.backend_pid:
            _require_sessions(connection, address)


def _require_sessions(connection: Connection[Any], address: str) -> None:
    """Refuse a pooler that gives each transaction another session: time-outs, plans and other settings are lost."""
    how = "Name PostgreSQL itself, or a pool in session mode that passes on a session's options."
    try:
        # A session of its own would be another process than the one that serves the first connection meanwhile.
        with _connect(address, options=OPTIONS) as other:
            timeout, others = other.execute("SHOW statement_timeout", prepare=False).fetchone(), _server_process(other)
    except OperationalError as error:
        raise FixableError(f"DATABASE_URL leads to a pooler, not to PostgreSQL, which says: {error}. {how}") from error
    if timeout != ("5s",) or others == _server_process(connection):
        raise FixableError(f"DATABASE_URL leads to a pooler that keeps no session for a connection. {how}")


def _address(database_url: str) -> str:
    return database_url.replace("+psycopg", "", 1)


def _first_line(said: str) -> str:
    return said.strip().splitlines()[0].rstrip(".")


def _connect(address: str, options: str = "") -> Connection[Any]:
    more = {"options": options} if options else {}
    conninfo = make_conninfo(address, connect_timeout=TIMEOUT_S, **more)
    return Connection.connect(conninfo, autocommit=True, prepare_threshold=None)


def _server_process(connection: Connection[Any]) -> int:
    """The process that answers; a pooler's own number for a connection is another."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    assert row is not None, "a row of one"
    return int(row[0])
