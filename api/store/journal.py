"""How the journal grows: a line at a time, in the transaction of what it tells of.

Call `append` last: from there to the end of its transaction nobody else adds a line.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text

from api.store.tables import journal
from runtime.times import micros_at
from schemas.journal import FIRST_HASH, JournalAct, JournalLine, line_hash

# A lock of its own, taken before the last line is read: a statement sees what was there when the statement began.
_LOCK: Final = text("SELECT auth.hold_journal()")
_LAST: Final = select(journal.c.number, journal.c.hash).order_by(journal.c.number.desc()).limit(1)
_PROFILE: Final = select(journal.c.detail).where(journal.c.act == "profile").order_by(journal.c.number.desc()).limit(1)


def append(
    db: Connection, act: JournalAct, user_id: UUID | None, subject: str | None = None, detail: str | None = None
) -> bytes:
    """Add a line, and give its hash."""
    lock(db)
    last = db.execute(_LAST).one_or_none()
    number, previous = (1, FIRST_HASH) if last is None else (last.number + 1, last.hash)
    at = db.execute(select(func.clock_timestamp())).scalar_one()
    line = JournalLine(number, micros_at(at), act, None if user_id is None else str(user_id), subject, detail)
    hashed = line_hash(previous, line)
    db.execute(
        insert(journal).values(
            number=number, at=at, act=act, user_id=user_id, subject=subject, detail=detail, hash=hashed
        )
    )
    return hashed


def lock(db: Connection) -> None:
    """Let nobody else add a line until this transaction ends."""
    db.execute(_LOCK)


def note_profile(db: Connection, profile: str) -> None:
    """Note what the API is started with, where that was another before: in a demo users bring in money themselves."""
    lock(db)
    if db.execute(_PROFILE).scalar_one_or_none() != profile:
        append(db, "profile", None, detail=profile)
