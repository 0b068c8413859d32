"""Whether a PostgreSQL is one the exchange can use: new enough, and with sessions of its own for each connection."""

from typing import Any, Final

from psycopg import Connection, OperationalError
from psycopg.conninfo import make_conninfo

from runtime.errors import FixableError

OLDEST: Final = 15
# What the services ask of a session when they open it, and a pooler may not pass on.
OPTIONS: Final = "-c statement_timeout=5s"
TIMEOUT_S: Final = 5


def require_usable(database_url: str) -> None:
    """Look at the server of a DATABASE_URL; FixableError where the exchange could not keep its tables there.

    OperationalError where none answers.
    """
    address = database_url.replace("+psycopg", "", 1)
    with _connect(address) as connection:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise FixableError(f"The PostgreSQL of DATABASE_URL is version {version}; {OLDEST} or newer is needed.")
        if _server_process(connection) != connection.info.backend_pid:
            _require_sessions(connection, address)


def _require_sessions(connection: Connection[Any], address: str) -> None:
    """Refuse a pooler that gives each transaction another session: time-outs, temporary tables and plans are lost."""
    how = "Name PostgreSQL itself, or a pool in session mode that passes on a session's options."
    try:
        # A session of its own would be another process than the one that serves the first connection meanwhile.
        with _connect(address, options=OPTIONS) as other:
            timeout, others = other.execute("SHOW statement_timeout", prepare=False).fetchone(), _server_process(other)
    except OperationalError as error:
        raise FixableError(f"DATABASE_URL leads to a pooler, not to PostgreSQL, which says: {error}. {how}") from error
    if timeout != ("5s",) or others == _server_process(connection):
        raise FixableError(f"DATABASE_URL leads to a pooler that keeps no session for a connection. {how}")


def _connect(address: str, options: str = "") -> Connection[Any]:
    more = {"options": options} if options else {}
    conninfo = make_conninfo(address, connect_timeout=TIMEOUT_S, **more)
    return Connection.connect(conninfo, autocommit=True, prepare_threshold=None)


def _server_process(connection: Connection[Any]) -> int:
    """The process that answers; a pooler's own number for a connection is another."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    assert row is not None, "a row of one"
    return int(row[0])
