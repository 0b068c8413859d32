"""How the account's history comes from the tables."""

from api.cursors import read_cursor, write_cursor
from api.history.schemas import AccountEvent, AccountEvents
from api.parts import Parts
from api.times import text_of
from projector import queries


async def page(parts: Parts, account_id: str, after_seq: int, limit: int, cursor: str | None) -> AccountEvents:
    """List the caller's events after one of them."""
    question = f"events~{after_seq}"
    before = read_cursor(question, cursor)
    after = after_seq if before is None else before
    found = await parts.database.ask(lambda db: queries.account_events(db, account_id, after=after, limit=limit))
    return AccountEvents(
        items=[
            AccountEvent(
                event_id=row.event_id, seq=row.account_seq, time=text_of(row.time), type=row.type, data=row.event
            )
            for row in found.items
        ],
        next_cursor=write_cursor(question, found.next_cursor),
    )
