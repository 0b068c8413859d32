"""How a socket is opened without showing a token in its address: a ticket that is good once, from whatever process."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.credentials.tokens import LIFETIME, now
from api.http.problems import TOKEN_INVALID, ApiError
from api.store.tables import users, ws_tickets
from api.store.users import USER, User, find_by_session

TICKET_LIFETIME: Final = timedelta(seconds=30)
TICKET_BYTES: Final = 32


async def make_ticket(state: AppState, caller: SignedInUser) -> str:
    """Store a new ticket of the caller's."""
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    moment = now()
    until = caller.expires_at or moment + LIFETIME
    values = {
        "ticket_hash": _hash(ticket),
        "user_id": caller.user.user_id,
        "session_id": caller.session_id,
        "key_id": caller.key_id,
        "expires_at": moment + TICKET_LIFETIME,
        "signed_in_until": until,
    }
    await state.database.ask(lambda db: _store(db, values))
    return ticket


async def use_ticket(state: AppState, ticket: str) -> SignedInUser:
    """Give whose ticket it is, and make it worth nothing; ApiError where it is worth nothing already."""
    signed = await state.database.ask(lambda db: _use(db, ticket))
    if signed is None:
        raise ApiError(TOKEN_INVALID, "The ticket was used, is too old, or is none of ours")
    return signed


def _store(db: Connection, values: dict[str, object]) -> None:
    """Store a ticket, and clear away those of the same user that nobody used in time."""
    table = ws_tickets.c
    over = delete(ws_tickets).where(table.user_id == values["user_id"], table.expires_at < func.now()).cte("over")
    db.execute(insert(ws_tickets).values(**values).add_cte(over))


def _use(db: Connection, ticket: str) -> SignedInUser | None:
    # Of two that bring the same ticket at once, one deletes it, and the other finds nothing.
    columns = ws_tickets.c
    statement = (
        delete(ws_tickets)
        .where(columns.ticket_hash == _hash(ticket), columns.expires_at > func.now())
        .returning(columns.user_id, columns.session_id, columns.key_id, columns.signed_in_until)
    )
    row = db.execute(statement).one_or_none()
    if row is None:
        return None
    user_id, session_id, key_id, until = row
    if session_id is not None:
        found = find_by_session(db, session_id, user_id)
        return None if found is None else SignedInUser(found[0], session_id, found[1], until)
    # Of a key that was revoked no ticket is left.
    user = db.execute(select(*USER).where(users.c.user_id == user_id, users.c.deleted_at.is_(None))).one_or_none()
    return None if user is None else SignedInUser(User(*user), None, None, until, key_id)


def _hash(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
