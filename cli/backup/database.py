"""Which tables a backup holds, and how their rows leave a database and come into one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import Table

from api.store import migrate as auth_migrations
from api.store.tables import SCHEMA as AUTH
from api.store.tables import metadata, refresh_tokens, sessions, ws_tickets
from cli.backup.file import PIECE, PackedTable
from projector import migrate as ledger_migrations
from projector.tables.columns import SCHEMA as LEDGER
from projector.tables.kept_tables import KEPT
from runtime.errors import FixableError
from runtime.postgres import usable

CONNECT_TIMEOUT_S: Final = 5
# A session that was ended since would else go on again: users log in anew.
LEFT_OUT: Final = (sessions, refresh_tokens, ws_tickets)
TABLES: Final[tuple[Table, ...]] = (*(table for table in metadata.sorted_tables if table not in LEFT_OUT), *KEPT)
MIGRATIONS: Final = {AUTH: auth_migrations, LEDGER: ledger_migrations}


@contextmanager
def snapshot_of(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection that sees the database as it was when the block began, whatever is written meanwhile."""
    with usable(database_url), psycopg.connect(_address(database_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SELECT 1")  # What is seen from here on begins with the first query.
        yield connection


def revisions_of(connection: psycopg.Connection) -> dict[str, str]:
    """Give the revision of each schema."""
    found = {}
    for schema in MIGRATIONS:
        query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema, "alembic_version"))
        try:
            row = connection.execute(query).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        if row is None:
            raise FixableError(f"The database has no schema {schema}: `./reprise migrate` makes it.")
        found[schema] = str(row[0])
    return found


def require_known(source: Path, revisions: dict[str, str]) -> None:
    """Refuse the tables of a version that this one does not know."""
    for schema, revision in revisions.items():
        if schema not in MIGRATIONS or not MIGRATIONS[schema].is_known(revision):
            raise FixableError(
                f"{source} has revision {revision} of schema {schema}: a newer version of Reprise made it, and "
                "restores it."
            )


def write_tables(connection: psycopg.Connection, folder: Path) -> list[PackedTable]:
    """Write the rows of every table to a file each."""
    written = []
    for table in TABLES:
        columns = [str(column.name) for column in table.columns]  # JSON does not know SQLAlchemy's names.
        packed = PackedTable(str(table.fullname), f"tables/{table.fullname}.copy", columns, 0)
        path = folder / packed.file
        path.parent.mkdir(exist_ok=True)
        with connection.cursor() as cursor, path.open("wb") as out:
            with cursor.copy(_copy("COPY {} ({}) TO STDOUT", packed)) as rows:
                for piece in rows:
                    out.write(piece)
            written.append(PackedTable(packed.table, packed.file, columns, cursor.rowcount))
    return written


def load_tables(database_url: str, revisions: dict[str, str], folder: Path, tables: list[PackedTable]) -> None:
    """Make the schemas as they were, fill their tables, and bring both to this version."""
    for schema, revision in revisions.items():
        MIGRATIONS[schema].migrate(database_url, revision)
    with psycopg.connect(_address(database_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
        for packed in tables:
            with connection.cursor() as cursor:
                with (
                    (folder / packed.file).open("rb") as source,
                    cursor.copy(_copy("COPY {} ({}) FROM STDIN", packed)) as rows,
                ):
                    while piece := source.read(PIECE):
                        rows.write(piece)
                if cursor.rowcount != packed.rows:
                    raise FixableError(f"{packed.table} has {cursor.rowcount} rows, and its file has {packed.rows}.")
            _go_on_numbering(connection, packed)
    for migrations in MIGRATIONS.values():
        migrations.migrate(database_url)


def _go_on_numbering(connection: psycopg.Connection, packed: PackedTable) -> None:
    """Let a column that numbers its rows by itself go on behind those that were filled in."""
    for column in packed.columns:
        found = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", [packed.table, column]).fetchone()
        if found is None or found[0] is None:
            continue
        last = sql.SQL("SELECT setval(%s, (SELECT coalesce(max({}), 0) + 1 FROM {}), false)")
        connection.execute(last.format(sql.Identifier(column), _name(packed)), [found[0]])


def _copy(text: str, packed: PackedTable) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in packed.columns)
    return sql.SQL(text).format(_name(packed), columns)


def _name(packed: PackedTable) -> sql.Identifier:
    return sql.Identifier(*packed.table.split("."))


def _address(database_url: str) -> str:
    return database_url.replace("+psycopg", "", 1)
