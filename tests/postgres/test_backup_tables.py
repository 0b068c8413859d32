"""The tables of a backup leave one database and come into another with every row, and go on numbering behind it."""

from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg

from cli.backup.database import load_tables, revisions_of, snapshot_of, write_tables
from cli.backup.file import PackedTable
from cli.database import migrate_url
from tests.conftest import new_database

USER = "INSERT INTO auth.users (user_id, email, password_hash, account_id) VALUES (%s, %s, %s, %s)"
ALERT = (
    "INSERT INTO ledger.alerts (alert_id, account_id, symbol, direction, price, note, created_at, from_seq) "
    "VALUES (%s, 'a', 'BTC_USDC', 'above', 1, %s, 2, 3) RETURNING number"
)


def test_rows_of_a_backup_come_into_another_database_and_the_next_row_has_the_next_number(
    postgres: str, database_url: str, tmp_path: Path
) -> None:
    migrate_url(database_url)
    with psycopg.connect(database_url.replace("+psycopg", "")) as db:
        user = [uuid4(), "ada@example.com", "a\tb\nc\\d", str(uuid4())]
        db.execute(USER, user)
        for note in ("one", None):
            db.execute(ALERT, [uuid4(), note])
    with snapshot_of(database_url) as seen:
        with psycopg.connect(database_url.replace("+psycopg", "")) as db:
            db.execute(USER, [uuid4(), "later@example.com", "x", str(uuid4())])
        revisions, tables = revisions_of(seen), write_tables(seen, tmp_path)
    tables = msgspec.json.decode(msgspec.json.encode(tables), type=list[PackedTable])
    assert {table.table: table.rows for table in tables if table.rows} == {"auth.users": 1, "ledger.alerts": 2}
    with new_database(postgres) as other:
        load_tables(other, revisions, tmp_path, tables)
        with psycopg.connect(other.replace("+psycopg", "")) as db:
            found = db.execute("SELECT user_id, email, password_hash, account_id FROM auth.users").fetchall()
            assert [list(row) for row in found] == [user]
            assert db.execute("SELECT number, note FROM ledger.alerts ORDER BY 1").fetchall() == [(1, "one"), (2, None)]
            assert db.execute(ALERT, [uuid4(), "three"]).fetchone() == (3,)
