"""How ledger lines come from the tables."""

from typing import Final

from api.amounts import money
from api.cursors import read_cursor, write_cursor
from api.ledger.schemas import LedgerLine, LedgerLines
from api.parts import Parts
from api.times import text_of
from projector import queries

_QUESTION: Final = "ledger"


async def page(parts: Parts, account_id: str, limit: int, cursor: str | None) -> LedgerLines:
    """List the caller's lines."""
    before = read_cursor(_QUESTION, cursor)
    found = await parts.database.ask(lambda db: queries.ledger(db, account_id, limit=limit, before=before))
    return LedgerLines(
        items=[line_of(row) for row in found.items], next_cursor=write_cursor(_QUESTION, found.next_cursor)
    )


def line_of(row: queries.LedgerRow) -> LedgerLine:
    """Write a line."""
    return LedgerLine(
        id=row.line_id,
        time=text_of(row.time),
        kind=row.kind,
        amount=money(row.amount),
        balance_after=money(row.balance_after),
        position_id=row.position_id,
        event_id=row.event_id,
    )
