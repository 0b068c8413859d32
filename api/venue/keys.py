"""How a user's keys of the outside venue are stored, found to be there, and revoked. Nobody is ever given them back."""

import re
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from api.http.problems import TOKEN_INVALID, ApiError, malformed
from api.store.database import Database
from api.store.tables import venue_keys
from api.store.users import held
from runtime.settings import Settings
from runtime.vault import vault_of
from runtime.venue_keys import VenueKeys, seal_keys

LENGTH_MAX: Final = 512
PRINTABLE: Final = "[!-~]+"
POINTERS: Final = ("/binanceApiKey", "/binanceSecretKey")


class SealedKeys(NamedTuple):
    """A user's keys as they are stored: nobody but the venue worker opens them."""

    key_id: UUID
    sealed: bytes


async def store(
    settings: Settings,
    database: Database,
    user_id: UUID,
    api_key: str,
    secret: str,
    pointers: tuple[str, str] = POINTERS,
) -> None:
    """Store a user's keys in place of those before; 422 for what are none, or where none can be stored."""
    keys = sealed(settings, user_id, api_key, secret, pointers)
    if not await database.ask(lambda db: put(db, user_id, keys)):
        raise ApiError(TOKEN_INVALID, "The user has been deleted")


def sealed(
    settings: Settings, user_id: UUID, api_key: str, secret: str, pointers: tuple[str, str] = POINTERS
) -> SealedKeys:
    """Seal a user's keys; 422 for what are none, or where none can be stored."""
    for pointer, value in zip(pointers, (api_key, secret), strict=True):
        # It becomes a header, and what cannot stand in one would be met at each order.
        if len(value) > LENGTH_MAX or not re.fullmatch(PRINTABLE, value):
            raise malformed(pointer, "1 to 512 printable ASCII characters without spaces")
    if not settings.encryption_key:
        raise malformed(pointers[0], "keys are not stored here: the server has no ENCRYPTION_KEY")
    vault, key_id = vault_of(settings), uuid4()
    return SealedKeys(key_id, seal_keys(vault, user_id, key_id, VenueKeys(api_key, secret)))


def put(db: Connection, user_id: UUID, keys: SealedKeys) -> bool:
    """Store keys in place of those before; false where the user is deleted."""
    user = held(user_id).cte("user")
    columns = venue_keys.c
    row = select(user.c.user_id, literal(keys.key_id, columns.key_id.type), literal(keys.sealed, columns.sealed.type))
    stored = insert(venue_keys).from_select(["user_id", "key_id", "sealed"], row)
    changed = {"key_id": stored.excluded.key_id, "sealed": stored.excluded.sealed, "created_at": func.now()}
    statement = stored.on_conflict_do_update(index_elements=[columns.user_id], set_=changed)
    return db.execute(statement.returning(columns.user_id)).scalar_one_or_none() is not None


async def has(database: Database, user_id: UUID) -> bool:
    """Say whether a user has stored keys."""
    found = select(exists().where(venue_keys.c.user_id == user_id))
    return bool(await database.ask(lambda db: db.execute(found).scalar_one()))


async def revoke(database: Database, user_id: UUID) -> bool:
    """Forget a user's keys; false where there were none. The worker uses them no more from here on."""
    gone = delete(venue_keys).where(venue_keys.c.user_id == user_id).returning(venue_keys.c.user_id)
    return await database.ask(lambda db: db.execute(gone).scalar_one_or_none()) is not None
