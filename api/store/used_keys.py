"""For what an Idempotency-Key is used: for one thing, and whoever is first says for which. One statement or two."""

from typing import Literal, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import used_keys

Use = Literal["command", "close_all", "spot_order", "venue_order"]


class UsedKey(NamedTuple):
    """What a key is used for. content: a digest of what was asked for, where neither log nor table refuses another."""

    used_for: Use
    content: bytes | None = None


def take(db: Connection, command_id: str, use: UsedKey) -> UsedKey:
    """Store what a key is used for, by the command id made of it, unless that is stored; give what is stored."""
    taken = insert(used_keys).values(command_id=command_id, **use._asdict()).on_conflict_do_nothing()
    if db.execute(taken.returning(used_keys.c.command_id)).scalar_one_or_none() is not None:
        return use
    # The one that was first has been stored by now: the insertion waited for it.
    columns = (used_keys.c.used_for, used_keys.c.content)
    return UsedKey(*db.execute(select(*columns).where(used_keys.c.command_id == command_id)).one())
