"""How the ledger of a period is written, as pages of JSON or as one table of CSV."""

import csv
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Final, NamedTuple

from api.accounts.schemas import LedgerLine
from api.accounts.service import line_of
from api.http.amounts import money
from api.http.cursors import LIMIT_MAX, read_cursor, write_cursor
from api.http.problems import malformed
from api.http.times import now, text_of
from api.statements.schemas import Statement
from api.store.database import Database
from projector import queries
from runtime.times import micros_at
from schemas.units import INT64_MAX

# What a statement may be of; the ledger's own times lie far within.
MOMENT_MAX: Final = micros_at(datetime(9999, 1, 1, tzinfo=UTC))
COLUMNS: Final = ("time", "kind", "amount", "balance_after", "position_id", "event_id", "id")


class Period(NamedTuple):
    """From a time in µs, null for the beginning, to before another."""

    start: int | None
    end: int


def period_of(start: datetime | None, end: datetime | None) -> Period:
    """Read a period; it must be one."""
    first, last = None if start is None else micros_at(start), now() if end is None else micros_at(end)
    if first is not None and first >= last:
        raise malformed("from", "must be before `to`")
    return Period(None if first is None else _within(first), _within(last))


async def page(database: Database, account_id: str, period: Period, limit: int, cursor: str | None) -> Statement:
    """Write a page of a period's lines, and the balances at its ends."""
    # Where no end was given the pages after the first go on with that of the first, whatever the clock says by then.
    question = f"statement~{account_id}~{'' if period.start is None else period.start}"
    before = read_cursor(question, cursor)
    found = await database.ask(
        lambda db: queries.ledger(db, account_id, start=period.start, end=period.end, limit=limit, before=before)
    )
    opening = 0 if period.start is None else await _balance_before(database, account_id, period.start)
    return Statement(
        account_id=account_id,
        start=None if period.start is None else text_of(period.start),
        end=text_of(period.end),
        opening_balance=money(opening),
        closing_balance=money(await _balance_before(database, account_id, period.end)),
        items=[line_of(row) for row in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def table(database: Database, account_id: str, period: Period) -> AsyncIterator[str]:
    """Write all of a period's lines as CSV with a header, newest first, in pieces."""
    yield _rows([COLUMNS])
    before: int | None = INT64_MAX
    while before is not None:
        found = await database.ask(
            lambda db, before=before: queries.ledger(  # type: ignore[misc]  # A default has no type to be inferred.
                db, account_id, start=period.start, end=period.end, limit=LIMIT_MAX, before=before
            )
        )
        yield _rows(_cells(line_of(row)) for row in found.items)
        before = found.next_cursor


def _within(moment: int) -> int:
    return min(max(0, moment), MOMENT_MAX)


async def _balance_before(database: Database, account_id: str, moment: int) -> int:
    found = await database.ask(lambda db: queries.ledger(db, account_id, end=moment, limit=1))
    return found.items[0].balance_after if found.items else 0


def _cells(line: LedgerLine) -> tuple[str, ...]:
    values = line.model_dump()
    return tuple("" if values[name] is None else str(values[name]) for name in COLUMNS)


def _rows(rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
