"""For what an Idempotency-Key is used: for one thing, and whoever is first says for which. One statement or two."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from sqlalchemy import ARRAY, Connection, LargeBinary, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import used_keys

Use = Literal["command", "close_all", "spot_order", "venue_order"]


class UsedKey(NamedTuple):
    """What a key is used for. content: a digest of what was asked for, where neither log nor table refuses another."""

    used_for: Use
    content: bytes | None = None


FOR_COMMAND: Final = UsedKey("command")
_NEW: Final = select(
    func.unnest(bindparam("command_ids", type_=ARRAY(Text))),
    bindparam("used_for", type_=Text),
    bindparam("content", type_=LargeBinary),
)
_TAKE: Final = (
    insert(used_keys)
    .from_select(["command_id", "used_for", "content"], _NEW)
    .on_conflict_do_nothing()
    .returning(used_keys.c.command_id)
)


def take(db: Connection, command_id: str, use: UsedKey) -> UsedKey:
    """Store what a key is used for, by the command id made of it, unless that is stored; give what is stored."""
    return take_all(db, [command_id], use)[command_id]


def take_all(db: Connection, command_ids: Iterable[str], use: UsedKey) -> dict[str, UsedKey]:
    """Do so for many keys, all for the same use; what is stored of each, by command id."""
    # In one order always: two processes that take the same keys at once wait for each other in one direction only.
    wanted = sorted(set(command_ids))
    if not wanted:
        return {}
    taken = dict.fromkeys(db.execute(_TAKE, {"command_ids": wanted, **use._asdict()}).scalars(), use)
    others = [command_id for command_id in wanted if command_id not in taken]
    if others:
        # The one that was first has been stored by now: the insertion waited for it.
        columns = (used_keys.c.command_id, used_keys.c.used_for, used_keys.c.content)
        for command_id, *stored in db.execute(select(*columns).where(used_keys.c.command_id.in_(others))):
            taken[command_id] = UsedKey(*stored)
    return taken
