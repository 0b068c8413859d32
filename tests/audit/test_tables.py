"""The tables are compared row by row with what the events say: one changed value in any of them is named."""

# ruff: noqa: S608  # The names put into statements are this file's own.

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from audit.logs import MemoryLog, busy_log
from reprise.audit.expected_rows import TABLES
from reprise.audit.findings import Difference
from reprise.audit.verify import Request, verify
from reprise.projector.chain import Entry, entry
from reprise.projector.database import connect
from reprise.projector.migrate import migrate
from reprise.projector.writer import Writer
from reprise.schemas.codec import read_event

# A column of each table, and what makes another value of it: of a number one bit, of a text one bit of a letter.
ONE_BIT = {
    "progress": ("digest", "set_bit(digest, 3, 1 - get_bit(digest, 3))"),
    "accounts": ("opened_at", "opened_at # 1"),
    "positions": ("margin", "margin # 1"),
    "fills": ("price", "price # 1"),
    "ledger_entries": ("amount", "amount # 1"),
    "commands": ("first_offset", "first_offset # 1"),
    "receipts": ("event", "jsonb_set(event, '{profit}', to_jsonb((event->>'profit')::bigint # 1))"),
    "account_events": ("event", "jsonb_set(event, '{seq}', to_jsonb((event->>'seq')::bigint # 1))"),
    "candles": ("high", "high # 1"),
    "prices": ("bid", "bid # 1"),
    "feed": ("run", "translate(run, 'u', 't')"),
    "instruments": ("tick_value", "tick_value # 2"),
}
KEY = {
    "progress": "shard = 2",
    "candles": "symbol = 'BTC_USDC'",
    "prices": "symbol = 'ETH_USDC'",
    "feed": "one",
    "instruments": "symbol = 'SOL_USDC'",
}


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    """A database that a projector has brought up to the end of the busy log."""
    migrate(database_url)
    engine = connect(database_url)
    write(engine, busy_log())
    yield engine
    engine.dispose()


def write(engine: Engine, log: MemoryLog, until: int = 10**9) -> None:
    """Do what a projector does, in batches of an odd size."""
    writer = Writer(engine, log.shards)
    writer.load()
    entries: list[Entry] = [
        entry(shard, record.offset, record.value)
        for shard, part in enumerate(log.parts)
        for record in part.events[:until]
    ]
    for start in range(0, len(entries), 77):
        writer.write(entries[start : start + 77])


def compared(database_url: str, log: MemoryLog | None = None) -> list[Difference]:
    chosen = log or busy_log()
    verdict = verify(chosen, Request(chosen.held, state_only=True, database_url=database_url, processes=1))
    assert verdict.database == "compared"
    return verdict.differences


def test_what_the_projector_wrote_agrees(filled: Engine, database_url: str) -> None:
    assert compared(database_url) == []


def test_a_projector_that_is_behind_agrees_up_to_where_it_is(database_url: str) -> None:
    migrate(database_url)
    assert compared(database_url) == []
    engine = connect(database_url)
    write(engine, busy_log(), 100)
    engine.dispose()
    assert compared(database_url) == []


def test_every_table_that_follows_from_the_events_is_compared() -> None:
    assert ONE_BIT.keys() == TABLES.keys()


@pytest.mark.parametrize("table", ONE_BIT)
def test_one_bit_of_a_row_is_named_with_table_row_and_column(filled: Engine, database_url: str, table: str) -> None:
    column, changed = ONE_BIT[table]
    where = KEY.get(table) or f"ctid = (SELECT ctid FROM ledger.{table} ORDER BY ctid LIMIT 1 OFFSET 7)"
    with filled.begin() as db:
        was = db.execute(text(f"SELECT {column} FROM ledger.{table} WHERE {where} LIMIT 1")).scalar_one()
        if table == "candles":
            where += f" AND start = (SELECT min(start) FROM ledger.candles WHERE {where})"
        count = db.execute(text(f"UPDATE ledger.{table} SET {column} = {changed} WHERE {where}")).rowcount
        assert count == 1
    (difference,) = compared(database_url)
    assert (difference.judge, difference.type, difference.field) == ("tables", table, column)
    assert difference.expected != difference.found
    if table not in {"progress", "receipts", "account_events"}:
        assert difference.expected == str(was)


@pytest.mark.parametrize("table", ["accounts", "positions", "fills", "ledger_entries", "commands", "receipts"])
def test_a_row_that_is_missing_or_follows_from_nothing_is_named(filled: Engine, database_url: str, table: str) -> None:
    copied = {"accounts": "account_id", "positions": "position_id", "commands": "command_id", "receipts": "event_id"}
    with filled.begin() as db:
        where = f"ctid = (SELECT ctid FROM ledger.{table} ORDER BY ctid LIMIT 1 OFFSET 3)"
        db.execute(text(f"CREATE TEMP TABLE kept AS SELECT * FROM ledger.{table} WHERE {where}"))
        db.execute(text(f"DELETE FROM ledger.{table} WHERE {where}"))
    (missing,) = compared(database_url)
    assert (missing.type, missing.expected, missing.found) == (table, "a row", "no row")
    with filled.begin() as db:
        db.execute(text(f"INSERT INTO ledger.{table} SELECT * FROM kept"))
        changed = f"{copied[table]} = {copied[table]} || '0'" if table in copied else "shard = 77"
        db.execute(text(f"UPDATE kept SET {changed}"))
        db.execute(text(f"INSERT INTO ledger.{table} SELECT * FROM kept"))
    (extra,) = compared(database_url)
    assert (extra.type, extra.expected, extra.found) == (table, "no row", "a row")


def test_tables_that_went_on_with_a_live_log_are_compared_with_what_it_has_by_then(
    filled: Engine, database_url: str
) -> None:
    class Live(MemoryLog):
        def renewed(self) -> MemoryLog:
            return busy_log()

    log = busy_log().copy()
    for part in log.parts:
        offset = read_event(part.events[100].value).command_offset
        part.events = [record for record in part.events if read_event(record.value).command_offset <= offset]
        part.snapshots.clear()
    assert [difference for difference in compared(database_url, Live(log.parts)) if difference.judge == "tables"] == []


def test_tables_ahead_of_the_log_are_named(filled: Engine, database_url: str) -> None:
    log = busy_log().copy()
    del log.parts[1].events[150:]
    log.parts[1].snapshots.clear()
    differences = [difference for difference in compared(database_url, log) if difference.judge == "tables"]
    assert [(difference.shard, difference.field) for difference in differences] == [(1, "seq")]
    assert "the log ends with" in differences[0].what


def test_many_differences_of_a_table_are_counted_and_not_listed(filled: Engine, database_url: str) -> None:
    with filled.begin() as db:
        db.execute(text("UPDATE ledger.fills SET fee = fee + 1 WHERE shard = 0"))
    differences = compared(database_url)
    assert len(differences) == 6
    assert "more rows of fills differ" in differences[-1].what
