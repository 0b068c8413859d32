"""The tables are compared row by row with what the events say: one changed value in any of them is named."""

# ruff: noqa: S608  # The names put into statements are this file's own.

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from audit.log.differences import Difference
from audit.verify.tables import compare_tables
from audit.verify.verify import Verdict, VerifyRequest, verify
from cli.audit_report import print_verdict
from projector.database import connect
from schemas.codec import decode_event
from tests.audit.databases import migrated_database, name_of, projected, write
from tests.audit.logs import MemoryLog, busy_log
from tests.conftest import new_database


@pytest.fixture(scope="module")
def migrated(postgres: str) -> Iterator[str]:
    with migrated_database(postgres) as name:
        yield name


@pytest.fixture(scope="module")
def busy(postgres: str, migrated: str) -> Iterator[str]:
    with projected(postgres, migrated, busy_log()) as url:
        yield name_of(url)


@pytest.fixture
def database_url(postgres: str, busy: str) -> Iterator[str]:
    """A database that a projector has brought up to the end of the busy log."""
    with new_database(postgres, busy) as url:
        yield url


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


def verified(database_url: str) -> Verdict:
    return verify(busy_log(), VerifyRequest(busy_log().held, state_only=True, database_url=database_url, processes=1))


def compared(database_url: str, log: MemoryLog | None = None) -> list[Difference]:
    chosen = log or busy_log()
    reports = [compare_tables(chosen, shard, database_url, lambda _: None) for shard in chosen.held]
    return [difference for report in reports for difference in report.differences]


def test_tables_written_by_the_projector_agree_with_the_log(filled: Engine, database_url: str) -> None:
    verdict = verified(database_url)
    assert (verdict.differences, verdict.database) == ([], "compared")


def test_tables_far_behind_the_log_differ_and_the_verdict_names_the_last_event_they_have(
    postgres: str, migrated: str
) -> None:
    with new_database(postgres, migrated) as url:
        empty = verified(url)
        assert not empty.agrees
        assert [shard.tables_at for shard in empty.shards] == [0, 0, 0, 0]
        assert {difference.judge for difference in empty.differences} == {"tables"}
        assert "the tables are at event 0 of " in empty.differences[0].sentence()
        engine = connect(url)
        write(engine, busy_log(), 100)
        engine.dispose()
        behind = verified(url)
        assert [shard.tables_at for shard in behind.shards] == [100, 100, 100, 100]
    printed = StringIO()
    print_verdict(Console(file=printed, width=1_000), behind)
    for shard in behind.shards:
        assert f"{shard.rows:,} rows with the tables at event 100 of {shard.seq:,}" in printed.getvalue()


def test_tables_and_columns_not_derived_from_events_are_named_as_not_compared(database_url: str) -> None:
    verdict = verified(database_url)
    assert verdict.tables_not_compared == [
        "ledger.alembic_version",
        "ledger.alerts",
        "ledger.candle_history",
        "ledger.progress.current_at",
        "ledger.venue_fills",
        "ledger.venue_orders",
        "ledger.venue_positions",
        "ledger.venue_progress",
    ]
    printed = StringIO()
    print_verdict(Console(file=printed, width=1_000), verdict)
    assert "not compared: ledger.alembic_version, ledger.alerts, ledger.candle_history," in printed.getvalue()


@pytest.mark.parametrize("table", ["accounts", "positions", "fills", "ledger_entries", "commands", "receipts"])
def test_a_missing_or_surplus_row_is_named(filled: Engine, database_url: str, table: str) -> None:
    copied = {"accounts": "account_id", "positions": "position_id", "commands": "command_id", "receipts": "event_id"}
    with filled.begin() as db:
        where = f"ctid = (SELECT ctid FROM ledger.{table} ORDER BY ctid LIMIT 1 OFFSET 3)"
        db.execute(text(f"CREATE TEMP TABLE kept AS SELECT * FROM ledger.{table} WHERE {where}"))
        db.execute(text(f"DELETE FROM ledger.{table} WHERE {where}"))
    missing, *_ = compared(database_url)  # The ledger comparison may miss it too.
    assert (missing.type, missing.expected, missing.found) == (table, "a row", "no row")
    with filled.begin() as db:
        db.execute(text(f"INSERT INTO ledger.{table} SELECT * FROM kept"))
        changed = f"{copied[table]} = {copied[table]} || '0'" if table in copied else "shard = 77"
        db.execute(text(f"UPDATE kept SET {changed}"))
        db.execute(text(f"INSERT INTO ledger.{table} SELECT * FROM kept"))
    extra, *_ = compared(database_url)
    assert (extra.type, extra.expected, extra.found) == (table, "no row", "a row")


def test_tables_ahead_of_the_opened_log_are_compared_with_the_renewed_log(filled: Engine, database_url: str) -> None:
    class Live(MemoryLog):
        def renewed(self) -> MemoryLog:
            return busy_log()

    log = busy_log().copy()
    for part in log.parts:
        offset = decode_event(part.events[100].value).command_offset
        part.events = [record for record in part.events if decode_event(record.value).command_offset <= offset]
        part.snapshots.clear()
    assert compared(database_url, Live(log.parts)) == []


def test_tables_ahead_of_the_log_are_named(filled: Engine, database_url: str) -> None:
    log = busy_log().copy()
    del log.parts[1].events[150:]
    log.parts[1].snapshots.clear()
    differences = compared(database_url, log)
    assert [(difference.shard, difference.field) for difference in differences] == [(1, "seq")]
    assert "the log ends with" in differences[0].what


def test_many_differences_of_a_table_are_counted_but_not_all_listed(filled: Engine, database_url: str) -> None:
    with filled.begin() as db:
        db.execute(text("UPDATE ledger.fills SET fee = fee + 1 WHERE shard = 0"))
    differences = compared(database_url)
    assert len(differences) == 6
    assert "more rows of fills differ" in differences[-1].what
