"""Whether a key has a command's outcome in PostgreSQL, or is this command's from now on: of all that ask at once."""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from api.http.times import now
from api.store import used_keys
from api.store.database import Database
from api.store.gathered import Gathered
from api.store.used_keys import FOR_COMMAND, UsedKey
from projector import queries
from schemas.units import MINUTE

PROJECTION_AGE_MAX: Final = 5 * MINUTE
AT_ONCE: Final = 500


class CommandKey(NamedTuple):
    """A command to be sent under a key. is_new: nothing is committed in its shard that the tables could lack."""

    command_id: str
    account_id: str
    shard: int
    is_new: bool


# The row of the command's outcome, or for what its key is used from now on; null where the tables may lack the row.
KeyLookup = queries.CommandRow | UsedKey | None


class CommandKeys:
    """Asks for the keys of all orders that wait: alone one is asked for at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathered = Gathered[CommandKey, KeyLookup](self._look_all, AT_ONCE)

    async def look(self, key: CommandKey) -> KeyLookup:
        """Give a command's row, or take its key; SQLAlchemyError where the database does not answer."""
        return await self._gathered.ask(key)

    async def _look_all(self, keys: Sequence[CommandKey]) -> Sequence[KeyLookup]:
        return await self._database.ask(partial(_look_all, keys=keys))


def _look_all(db: Connection, keys: Sequence[CommandKey]) -> list[KeyLookup]:
    found, current_at = queries.commands_by_id(db, [key.command_id for key in keys])
    rows = {(row.command_id, row.account_id): row for row in found}
    known = {key: row for key in keys if (row := rows.get((key.command_id, key.account_id))) and row.command_hash}
    oldest = now() - PROJECTION_AGE_MAX
    free = [key for key in keys if key not in known and (key.is_new or current_at.get(key.shard, 0) >= oldest)]
    taken = used_keys.take_all(db, [key.command_id for key in free], FOR_COMMAND)
    return [known.get(key) or taken.get(key.command_id) for key in keys]
