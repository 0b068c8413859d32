"""Sessions that were looked up a moment ago: who sends ten requests a second is looked up once in two.

What this process changes about users and sessions counts at once: every statement passes by here. What another process
changes counts after SECONDS, and at once for who looks it up anew.
"""

import re
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from cachetools import TTLCache
from sqlalchemy import Connection, event
from sqlalchemy.pool import ConnectionPoolEntry

from api.store.database import Database
from api.store.users import User, find_by_session

SECONDS: Final = 2.0
SESSIONS_MAX: Final = 10_000
UNCOMMITTED: Final = "changes sessions"  # noted of a connection until it is given back
CHANGES: Final = re.compile(r"\b(UPDATE|DELETE FROM) auth\.(users|sessions)\b")

Found = tuple[User, datetime]


class KnownSessions:
    """Read and filled on the loop; emptied from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found = _nothing()
        event.listen(database.engine, "after_cursor_execute", self._note_statement)
        # SQLAlchemy's event of a commit comes before it: who looks in between would be given what is about to end. A
        # connection that is given back has committed.
        event.listen(database.engine, "checkin", self._note_end)

    async def find(self, session_id: UUID, user_id: UUID) -> Found | None:
        """Give the user of a session that is going on, and when it began; as it was SECONDS ago, at the oldest."""
        found = self._found.get((session_id, user_id))
        return await self.find_now(session_id, user_id) if found is None else found

    async def find_now(self, session_id: UUID, user_id: UUID) -> Found | None:
        """Look it up, whatever is known."""
        # What is emptied while the database answers is another one by then, and does not get an older answer.
        known = self._found
        found = await self._database.ask(partial(find_by_session, session_id=session_id, user_id=user_id))
        if found is not None:
            known[session_id, user_id] = found
        return found

    def _note_statement(self, db: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if _changes_sessions(statement):
            self._found = _nothing()
            db.info[self] = UNCOMMITTED

    def _note_end(self, _connection: Any, record: ConnectionPoolEntry) -> None:
        if record.info.pop(self, None) == UNCOMMITTED:
            self._found = _nothing()


def _nothing() -> "TTLCache[tuple[UUID, UUID], Found]":
    return TTLCache(SESSIONS_MAX, SECONDS)


@lru_cache(maxsize=1_000)
def _changes_sessions(statement: str) -> bool:
    return CHANGES.search(statement) is not None
