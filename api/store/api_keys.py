"""What is stored about API keys; each function is one statement but for `add` and `find_in_use`."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Update, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from api.credentials.signatures import AHEAD_MAX_MS, WINDOW_MAX_MS, Signature
from api.store import counts
from api.store.tables import api_key_nonces, api_keys, users
from api.store.users import USER, User, held

Scope = Literal["read", "trade"]

# A nonce is kept until no clock of ours believes its signature any more.
KEPT: Final = timedelta(milliseconds=WINDOW_MAX_MS + AHEAD_MAX_MS) + timedelta(seconds=60)
NOTED_EVERY: Final = timedelta(minutes=1)  # how exact `last_used_at` is


class Key(NamedTuple):
    """A key as its owner sees it."""

    key_id: UUID
    name: str | None
    public_key: bytes
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None


class UsableKey(NamedTuple):
    """What a signature is compared with, and whose it then is."""

    public_key: bytes
    scopes: tuple[str, ...]
    user: User


_KEY: Final = tuple(api_keys.c[name] for name in Key._fields)


def add(db: Connection, key: Key, user_id: UUID, most: int) -> bool:
    """Store a key; false where the user has as many as they may, or is deleted. Two statements, for a transaction."""
    counts.hold(db, f"API keys of {user_id}")
    count = select(func.count()).select_from(api_keys).where(api_keys.c.user_id == user_id).scalar_subquery()
    user = held(user_id).cte("user")
    values = {**key._asdict(), "scopes": list(key.scopes), "user_id": user_id}
    columns = [api_keys.c[name] for name in values]
    row = select(*(literal(value, column.type) for column, value in zip(columns, values.values(), strict=True)))
    statement = (
        insert(api_keys).from_select(columns, row.select_from(user).where(count < most)).returning(api_keys.c.key_id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def find_by_id(db: Connection, key_id: UUID) -> UsableKey | None:
    """Find a key, whoever's it is, and its user."""
    query = (
        select(api_keys.c.public_key, api_keys.c.scopes, *USER)
        .join_from(api_keys, users)
        .where(api_keys.c.key_id == key_id, users.c.deleted_at.is_(None))
    )
    row = db.execute(query).one_or_none()
    return None if row is None else UsableKey(row[0], tuple(row[1]), User(*row[2:]))


def find_in_use(db: Connection, key_id: UUID) -> UsableKey | None:
    """Find a key, and note that it was used. Two statements: what is noted of a key that is gone is nothing."""
    db.execute(_noting(key_id))
    return find_by_id(db, key_id)


def use(db: Connection, signature: Signature) -> bool:
    """Note a key's nonce and that it was used; false where the nonce was used before, or the key is gone."""
    over = (
        delete(api_key_nonces)
        .where(api_key_nonces.c.key_id == signature.key_id, api_key_nonces.c.expires_at < func.now())
        .cte("over")
    )
    noted = _noting(signature.key_id).cte("noted")
    expires_at = datetime.fromtimestamp(signature.timestamp / 1000, UTC) + KEPT
    # Whoever revokes the key waits until this is stored, or this finds no key.
    key = (
        select(
            api_keys.c.key_id,
            literal(signature.nonce, api_key_nonces.c.nonce.type),
            literal(expires_at, api_key_nonces.c.expires_at.type),
        )
        .where(api_keys.c.key_id == signature.key_id)
        .with_for_update(read=True, key_share=True)
    )
    statement = (
        insert_or_skip(api_key_nonces)
        .from_select(["key_id", "nonce", "expires_at"], key)
        .on_conflict_do_nothing()
        .returning(api_key_nonces.c.nonce)
        .add_cte(over, noted)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def find(db: Connection, user_id: UUID, key_id: UUID) -> Key | None:
    """Find one of the user's keys."""
    row = db.execute(select(*_KEY).where(api_keys.c.key_id == key_id, api_keys.c.user_id == user_id)).one_or_none()
    return None if row is None else _key(row)


def list_of(db: Connection, user_id: UUID) -> list[Key]:
    """List the user's keys, the newest first; there are few."""
    query = select(*_KEY).where(api_keys.c.user_id == user_id).order_by(api_keys.c.created_at.desc(), api_keys.c.key_id)
    return [_key(row) for row in db.execute(query)]


def remove(db: Connection, user_id: UUID, key_id: UUID) -> bool:
    """Revoke a key: nothing it signed is believed from here on; false where the user has none of this id."""
    statement = delete(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.user_id == user_id)
    return db.execute(statement.returning(api_keys.c.key_id)).scalar_one_or_none() is not None


def still_there(db: Connection, key_ids: Collection[UUID]) -> set[UUID]:
    """Give those of some keys that are not revoked."""
    return set(db.execute(select(api_keys.c.key_id).where(api_keys.c.key_id == func.any(list(key_ids)))).scalars())


def _noting(key_id: UUID) -> Update:
    """Note that a key was used, as exactly as that is noted."""
    columns = api_keys.c
    is_due = or_(columns.last_used_at.is_(None), columns.last_used_at < func.now() - NOTED_EVERY)
    return update(api_keys).where(columns.key_id == key_id, is_due).values(last_used_at=func.now())


def _key(row: Any) -> Key:
    key_id, name, public_key, scopes, created_at, last_used_at = row
    return Key(key_id, name, public_key, tuple(scopes), created_at, last_used_at)
