"""What a user is shown of their sessions, and how some of them end; each function is one statement."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from api.store.tables import refresh_tokens, sessions
from api.store.users import GOING_ON

# A session in use changes its refresh token each quarter of an hour, so the last of them says when it was seen.
_LAST_SEEN: Final = func.greatest(
    sessions.c.created_at,
    select(func.max(refresh_tokens.c.created_at))
    .where(refresh_tokens.c.session_id == sessions.c.session_id)
    .scalar_subquery(),
)


class SessionRow(NamedTuple):
    """A session that is going on. network: as much of the address of its sign-in as is kept."""

    session_id: UUID
    device: str | None
    network: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class SessionRows(NamedTuple):
    """The sessions of a user, as many as are shown, and how many there are."""

    items: list[SessionRow]
    total: int


def sessions_of(db: Connection, user_id: UUID, current: UUID, most: int) -> SessionRows:
    """List a user's sessions that are going on: the current one, then the last begun first."""
    table = sessions.c
    query = (
        select(
            *(table.session_id, table.device, table.network, table.created_at, _LAST_SEEN, table.expires_at),
            func.count().over(),
        )
        .where(table.user_id == user_id, GOING_ON)
        .order_by((table.session_id == current).desc(), table.created_at.desc(), table.session_id)
        .limit(most)
    )
    rows = db.execute(query).all()
    return SessionRows([SessionRow(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


def end_session_of(db: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End one of a user's sessions; false where they have none of this id that is going on."""
    theirs = update(sessions).where(sessions.c.session_id == session_id, sessions.c.user_id == user_id, GOING_ON)
    ended = theirs.values(ended_at=func.now()).returning(sessions.c.session_id)
    return db.execute(ended).scalar_one_or_none() is not None


def end_other_sessions(db: Connection, user_id: UUID, kept: UUID) -> None:
    """End all sessions of a user but one."""
    others = update(sessions).where(
        sessions.c.user_id == user_id, sessions.c.session_id != kept, sessions.c.ended_at.is_(None)
    )
    db.execute(others.values(ended_at=func.now()))
