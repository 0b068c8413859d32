"""From where a user signed in before; each function is one statement.

An address is stored as a keyed hash of it and its user: who reads the table learns no address, and no two users who
share one.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import known_addresses

KEPT: Final = timedelta(days=90)  # after the last sign-in from there


def is_known(db: Connection, user_id: UUID, address_hash: bytes) -> bool:
    """Say whether a user signed in from an address within the last ninety days."""
    columns = known_addresses.c
    found = exists().where(
        columns.user_id == user_id, columns.address_hash == address_hash, columns.last_at > func.now() - KEPT
    )
    return bool(db.execute(select(found)).scalar_one())


def note(db: Connection, user_id: UUID, address_hash: bytes) -> None:
    """Note that a user signed in from an address, and forget those from long ago."""
    columns = known_addresses.c
    old = delete(known_addresses).where(
        columns.user_id == user_id, columns.address_hash != address_hash, columns.last_at < func.now() - KEPT
    )
    statement = insert(known_addresses).values(user_id=user_id, address_hash=address_hash)
    again = statement.on_conflict_do_update(
        index_elements=[columns.user_id, columns.address_hash], set_={"last_at": func.now()}
    )
    db.execute(again.add_cte(old.cte("old")))
