"""How a socket is opened without showing a token in its address: a ticket that is good once, from whatever process."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, delete, func, insert, literal, select, true

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.credentials.tokens import LIFETIME, now
from api.http.problems import SIGNATURE_INVALID, TOKEN_INVALID, ApiError
from api.store import api_keys as key_store
from api.store.tables import api_keys, sessions, ws_tickets
from api.store.users import find_by_session, held

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
    if not await state.database.ask(lambda db: _store(db, caller, values)):
        by_key = caller.key_id is not None
        raise ApiError(SIGNATURE_INVALID if by_key else TOKEN_INVALID, "The session is over, or the key was revoked")
    return ticket


async def use_ticket(state: AppState, ticket: str) -> SignedInUser:
    """Give whose ticket it is, and make it worth nothing; ApiError where it is worth nothing already."""
    signed = await state.database.ask(lambda db: _use(db, ticket))
    if signed is None:
        raise ApiError(TOKEN_INVALID, "The ticket was used, is too old, or is none of ours")
    return signed


def _store(db: Connection, caller: SignedInUser, values: dict[str, object]) -> bool:
    """Store a ticket, and clear away those of the same user that nobody used in time; false where who asked is gone."""
    table, user_id = ws_tickets.c, caller.user.user_id
    over = delete(ws_tickets).where(table.user_id == user_id, table.expires_at < func.now()).cte("over")
    user = held(user_id).cte("user")
    # Whoever deletes the session or the key waits until this is stored, or this finds none.
    if caller.session_id is not None:
        asked_by = select(sessions.c.session_id).where(sessions.c.session_id == caller.session_id)
    else:
        asked_by = select(api_keys.c.key_id).where(api_keys.c.key_id == caller.key_id)
    credential = asked_by.with_for_update(read=True, key_share=True).cte("credential")
    columns = [table[name] for name in values]
    row = select(*(literal(value, table[name].type) for name, value in values.items())).select_from(
        user.join(credential, true())
    )
    stored = insert(ws_tickets).from_select(columns, row).add_cte(over).returning(table.user_id)
    return db.execute(stored).scalar_one_or_none() is not None


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
    key = key_store.find_by_id(db, key_id)
    if key is None:
        return None
    return SignedInUser(key.user._replace(email="", name=None), None, None, until, key_id, key.scopes)


def _hash(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
