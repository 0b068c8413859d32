"""PostgreSQL that goes away while a command is decided."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import psycopg
from psycopg import sql

from runtime.kafka import read_back
from schemas.codec import decode_command
from schemas.commands import AccountCommand
from schemas.sharding import shard_of
from schemas.topics import COMMANDS
from tests.api.exchange import Exchange, User
from tests.processes import eventually


@contextmanager
def without_database(exchange: Exchange) -> Iterator[None]:
    """PostgreSQL ends every connection to the exchange's tables and takes no new one in this block."""
    url = exchange.settings.database_url.replace("+psycopg", "")
    name = url.rpartition("/")[2]
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@contextmanager
def connections_end_at(database: psycopg.Connection, table: str) -> Iterator[None]:
    """PostgreSQL ends the connection of whoever stores a row in a table in this block, as the statement is executed."""
    name = sql.Identifier(*table.split("."))
    database.execute(
        "CREATE FUNCTION public.end_connection() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW; END $$"
    )
    made = sql.SQL("CREATE TRIGGER ends BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION public.end_connection()")
    database.execute(made.format(name))
    try:
        yield
    finally:
        database.execute("DROP FUNCTION public.end_connection() CASCADE")


def answered_without_database(
    exchange: Exchange, user: User, path: str, account_id: str | None = None, *, method: str = "POST", **body: Any
) -> httpx.Response:
    """Send a command whose outcome comes when the database is away: it was asked whatever had to be asked before.

    account_id: whose command it is, the user's by default.
    """
    shard = shard_of(account_id or user.get("/auth/me")["account_id"], exchange.settings.shards)
    before = commands_in(exchange, shard)
    with ThreadPoolExecutor(1) as pool, ExitStack() as away:
        with exchange.held("engine"):
            sending = pool.submit(user.http.request, method, path, json=body or None)
            eventually(lambda: commands_in(exchange, shard), lambda count: count > before, 10.0, pause_s=0.01)
            away.enter_context(without_database(exchange))
        return sending.result(20)


def commands_in(exchange: Exchange, shard: int) -> int:
    """Count a shard's last commands of clients."""
    records = read_back(exchange.settings, COMMANDS, shard, 1_000)
    return sum(isinstance(decode_command(record.value), AccountCommand) for record in records)
