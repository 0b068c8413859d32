"""Whether PostgreSQL says what the events say: every row of every table that follows from them."""

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select, text

from audit.log.differences import Difference, as_text
from audit.log.log_reader import LogReader
from audit.verify.database import OF_ACTS, database_as_of_now, has_journal
from audit.verify.expected_rows import COLUMNS, OF_THE_MARKET, TABLES, Content, ExpectedRows, Row, key_of
from audit.verify.ledger_comparison import compare_with_ledger
from audit.verify.reports import CORE_ERRORS, Advance, JudgeReport
from engine.core.apply import apply
from engine.core.state import State, genesis
from engine.core.triggers import NoTriggers
from projector.tables.rows import StoredProgress
from projector.write.chain import ChainEntry
from schemas.codec import NotDecodable, decode_event, digest_of
from schemas.sharding import PRICE_SHARD

JUDGE: Final = "tables"
FETCH: Final = 5_000
NAMED_MAX: Final = 5  # differences of one table and shard that are named; the others are counted
NOT_COMPARED: Final = frozenset({("progress", "current_at")})  # the projector's own clock
IN_THE_DATABASE: Final = text(
    "SELECT schemaname, tablename FROM pg_tables "
    "WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%'"
)


class Expected(NamedTuple):
    """Where the events lead up to the one the tables are at: rows, and the ledger; null what could not be made."""

    rows: Content | None
    ledger: State | None


def compare_tables(log: LogReader, shard: int, database_url: str, advance: Advance) -> JudgeReport:
    """Compare a shard's rows with its events, up to the event the projector has come to.

    Twice: every row with the one the projector's own code makes, and the whole with the ledger the events fold to.
    """
    report = JudgeReport(JUDGE, shard)
    began = time.perf_counter()
    with database_as_of_now(database_url) as db:
        report.not_compared = _not_compared(db)
        expected = _expect(log, shard, db, report, advance)
        if expected.rows is not None:
            for table in TABLES:
                if table not in OF_THE_MARKET or shard == PRICE_SHARD:
                    _compare(table, expected.rows, shard, log.shards, db, report)
        if expected.ledger is not None:
            report.differences += compare_with_ledger(expected.ledger, db)
    report.seconds = time.perf_counter() - began
    return report


def _not_compared(db: Connection) -> list[str]:
    """Name what is in the database and of no event: users, alerts, the venue's orders, the projector's clock."""
    compared = {table.fullname for table in TABLES.values()} | (OF_ACTS if has_journal(db) else frozenset())
    names = [f"{schema}.{name}" for schema, name in db.execute(IN_THE_DATABASE)]
    return [*sorted(set(names) - compared), *(f"{TABLES[table].fullname}.{name}" for table, name in NOT_COMPARED)]


def _expect(log: LogReader, shard: int, db: Connection, report: JudgeReport, advance: Advance) -> Expected:
    """Make the rows and the ledger of the events up to the one the tables are at."""
    progress = TABLES["progress"]
    reached = db.execute(select(progress.c.seq).where(progress.c.shard == shard)).scalar_one_or_none() or 0
    report.reached = reached
    expectation = _Expectation(shard, log.shards, report)
    found = None if reached else expectation.expected({"progress": {}})
    for batch in log.renewed().events(shard, 0):  # The tables stand still by now: a live log has all they were made of.
        for record in batch:
            try:
                event = decode_event(record.value)
            except NotDecodable as error:
                return expectation.fail(f"record {record.offset} holds no event: {error}")
            if found is not None:
                report.behind_since = event.time
                return found
            expectation.take(ChainEntry(shard, record.offset, record.value, event))
            report.events += 1
            if event.seq == reached:
                row = StoredProgress(shard, record.offset + 1, event.seq, digest_of(record.value), event.time)
                found = expectation.expected({"progress": {(shard,): row}})
        advance(len(batch))
    if found is not None:
        return found
    what = f"the tables are at event {reached}, and the log ends with {report.events}"
    return expectation.fail(what, seq=reached, type="progress", field="seq")


class _Expectation:
    """One pass over a shard's events. What the projector's code refuses is folded all the same, and the reverse."""

    def __init__(self, shard: int, shards: int, report: JudgeReport) -> None:
        self._report = report
        self._rows: ExpectedRows | None = ExpectedRows(shard)
        self._ledger: State | None = genesis(shard, shards)
        self._ledger.triggers = NoTriggers()

    def take(self, entry: ChainEntry) -> None:
        """Take in the next event."""
        if self._rows is not None:
            try:
                self._rows.add(entry)
            except CORE_ERRORS as error:
                self._rows = None
                self.fail(f"no rows can be made of record {entry.offset}: {error!r}")
        if self._ledger is not None:
            try:
                apply(self._ledger, entry.event)
            except CORE_ERRORS as error:
                self._ledger = None
                self.fail(f"record {entry.offset} cannot be folded: {error!r}")

    def expected(self, progress: Content) -> Expected:
        """Give what the events led to."""
        return Expected(None if self._rows is None else progress | self._rows.content(), self._ledger)

    def fail(self, what: str, **where: Any) -> Expected:
        """Say why there is nothing to compare with."""
        self._report.differences.append(Difference(judge=JUDGE, shard=self._report.shard, what=what, **where))
        return Expected(None, None)


def _compare(table: str, expected: Content, shard: int, shards: int, db: Connection, report: JudgeReport) -> None:
    """Read a table and take what is expected out of the expectation, row by row."""
    wanted = expected.get(table, {})
    columns = COLUMNS[table]
    found_wrong: list[Difference] = []
    count = 0
    for row in _rows(table, shard, shards, db):
        report.rows += 1
        key = key_of(table, row)
        must_be = wanted.pop(key, None)
        difference: Difference | None
        if must_be is None:
            difference = _row_difference(shard, table, row, "the row follows from no event", None, "no row", "a row")
        else:
            difference = next(
                (
                    _row_difference(shard, table, row, "the row is not what the events say", name, one, other)
                    for name, one, other in zip(columns, must_be, row, strict=True)
                    if (table, name) not in NOT_COMPARED and not _is_same(table, name, one, other)
                ),
                None,
            )
        if difference is not None:
            count += 1
            if count <= NAMED_MAX:
                found_wrong.append(difference)
    for row in wanted.values():
        count += 1
        if count <= NAMED_MAX:
            found_wrong.append(_row_difference(shard, table, row, "a row is missing", None, "a row", "no row"))
    report.differences += found_wrong
    if count > NAMED_MAX:
        what = f"{count - NAMED_MAX} more rows of {table} differ"
        report.differences.append(Difference(judge=JUDGE, shard=shard, what=what, type=table))


def _rows(table: str, shard: int, shards: int, db: Connection) -> Iterator[Row]:
    """Read a shard's rows; the first shard's come with those that belong to none."""
    source = TABLES[table]
    query = select(source)
    if table not in OF_THE_MARKET:
        query = query.where(or_(_of(table, shard), *([_of_none(table, shards)] if shard == 0 else [])))
    if table == "instruments":
        query = query.order_by(source.c.ordinal)
    place = COLUMNS[table].index("ordinal") if table == "instruments" else -1
    for number, found in enumerate(db.execution_options(yield_per=FETCH).execute(query)):
        row = list(found)
        if place >= 0:
            row[place] = number  # It grows with each definition; what counts is the order it makes.
        yield row


def _of(table: str, shard: int) -> ColumnElement[bool]:
    columns = TABLES[table].c
    return columns.event_id.like(f"{shard}-%") if "shard" not in columns else columns.shard == shard


def _of_none(table: str, shards: int) -> ColumnElement[bool]:
    return and_(*(not_(_of(table, shard)) for shard in range(shards)))


def _is_same(table: str, column: str, expected: Any, found: Any) -> bool:
    """Compare as the column means it: an event is JSON, whose text is the database's own."""
    if column == "event" and table in {"receipts", "account_events"}:
        return bool(msgspec.json.decode(expected) == found)
    return bool(expected == found)


def _row_difference(
    shard: int, table: str, row: Row, what: str, column: str | None, expected: object, found: object
) -> Difference:
    names = COLUMNS[table]
    key = ", ".join(as_text(value) for value in key_of(table, row))
    seq = row[names.index("seq")] if "seq" in names else None
    return Difference(
        judge=JUDGE,
        shard=shard,
        what=f"{table} ({key}): {what}",
        seq=seq if isinstance(seq, int) else None,
        type=table,
        field=column,
        expected=as_text(expected),
        found=as_text(found),
    )
