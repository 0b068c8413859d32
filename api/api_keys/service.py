"""How API keys are made, listed and revoked."""

import base64
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from api.api_keys.schemas import ApiKeyRequest
from api.auth.caller import SignedInUser
from api.http.problems import TOKEN_INVALID, TOO_MANY_API_KEYS, ApiError, not_found
from api.store import api_keys as key_store
from api.store.api_keys import Key
from api.store.database import Database

KEYS_MAX: Final = 20


async def create(database: Database, caller: SignedInUser, request: ApiKeyRequest) -> Key:
    """Store a public key; what it signs is believed from here on."""
    public_key = base64.b64decode(request.public_key)
    key = Key(uuid4(), request.name, public_key, tuple(request.scopes), datetime.now(UTC), None)
    user_id = caller.user.user_id
    if not await database.ask_in_transaction(lambda db: key_store.add(db, key, user_id, KEYS_MAX)):
        if len(await database.ask(lambda db: key_store.list_of(db, user_id))) < KEYS_MAX:
            raise ApiError(TOKEN_INVALID, "The user has been deleted")
        detail = f"You have {KEYS_MAX} API keys, as many as a user may have; delete one first"
        raise ApiError(TOO_MANY_API_KEYS, detail, details={"api_keys_max": KEYS_MAX})
    return key


async def page(database: Database, caller: SignedInUser) -> list[Key]:
    """List the caller's keys."""
    user_id = caller.user.user_id
    return await database.ask(lambda db: key_store.list_of(db, user_id))


async def find(database: Database, caller: SignedInUser, key_id: str) -> Key:
    """Give one of the caller's keys."""
    user_id, wanted = caller.user.user_id, _uuid(key_id)
    key = await database.ask(lambda db: key_store.find(db, user_id, wanted))
    if key is None:
        raise not_found("API key", key_id)
    return key


async def revoke(database: Database, caller: SignedInUser, key_id: str) -> None:
    """Delete one of the caller's keys; what it signs from here on is refused."""
    user_id, wanted = caller.user.user_id, _uuid(key_id)
    if not await database.ask(lambda db: key_store.remove(db, user_id, wanted)):
        raise not_found("API key", key_id)


def _uuid(key_id: str) -> UUID:
    """What is no id names nothing."""
    try:
        return UUID(key_id)
    except ValueError as error:
        raise not_found("API key", key_id) from error
