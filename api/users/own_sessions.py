"""How a user sees where they are signed in, and ends a session they do not want."""

from typing import Final
from uuid import UUID

from api.auth.caller import SignedInUser
from api.http.problems import not_found
from api.http.times import text_of
from api.store import sessions as store
from api.store.database import Database
from api.store.sessions import SessionRow
from api.users.schemas import SessionReply, SessionsReply
from runtime.times import micros_at

SHOWN_MAX: Final = 100


async def list_sessions(database: Database, caller: SignedInUser) -> SessionsReply:
    """List the caller's sessions that are going on, the one they are in first."""
    current = _session_of(caller)
    found = await database.ask(lambda db: store.sessions_of(db, caller.user.user_id, current, SHOWN_MAX))
    return SessionsReply(items=[_reply(row, current) for row in found.items], total=found.total)


async def end_session(database: Database, caller: SignedInUser, session_id: str) -> bool:
    """End one of the caller's sessions; true where it was the one they are in."""
    try:
        wanted = UUID(session_id)
    except ValueError as error:
        raise not_found("session", session_id) from error
    if not await database.ask(lambda db: store.end_session_of(db, caller.user.user_id, wanted)):
        raise not_found("session", session_id)
    return wanted == caller.session_id


def _session_of(caller: SignedInUser) -> UUID:
    assert caller.session_id is not None, "an API key does not come here"
    return caller.session_id


def _reply(row: SessionRow, current: UUID) -> SessionReply:
    return SessionReply(
        id=str(row.session_id),
        device=row.device,
        network=row.network,
        created_at=text_of(micros_at(row.created_at)),
        last_seen_at=text_of(micros_at(row.last_seen_at)),
        expires_at=text_of(micros_at(row.expires_at)),
        current=row.session_id == current,
    )
