"""For what an Idempotency-Key is used: for one thing, and whoever is first says for which. One statement or two."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from sqlalchemy import ARRAY, Connection, Text, bindparam, func, literal, select
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


def take_for_commands(db: Connection, command_ids: Iterable[str]) -> dict[str, UsedKey]:
    """Store of each key that it is used for a command, unless another use is stored; give what is stored, by id."""
    # In one order always: two processes that take the same keys at once wait for each other in one direction only.
    wanted = sorted(set(command_ids))
    if not wanted:
        return {}
    new = db.execute(_TAKE_FOR_COMMANDS, {"command_ids": wanted}).scalars()
    taken = dict.fromkeys(new, FOR_COMMAND)
    others = [command_id for command_id in wanted if command_id not in taken]
    if others:
        columns = (used_keys.c.command_id, used_keys.c.used_for, used_keys.c.content)
        for command_id, *use in db.execute(select(*columns).where(used_keys.c.command_id.in_(others))):
            taken[command_id] = UsedKey(*use)
    return taken


FOR_COMMAND: Final = UsedKey("command")
_IDS: Final = func.unnest(bindparam("command_ids", type_=ARRAY(Text)))
_TAKE_FOR_COMMANDS: Final = (
    insert(used_keys)
    .from_select(["command_id", "used_for"], select(_IDS, literal(FOR_COMMAND.used_for)))
    .on_conflict_do_nothing()
    .returning(used_keys.c.command_id)
)
