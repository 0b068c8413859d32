"""Which amendment of a position by `If-Match` was sent last; each function is one statement."""

from typing import NamedTuple

from sqlalchemy import Connection, extract, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import conditional_amendments

_TABLE = conditional_amendments.c


class LastAmendment(NamedTuple):
    """The command of it. age_s: for how long it is stored."""

    command_id: str
    age_s: float


def last_of(db: Connection, account_id: str, position_id: str) -> LastAmendment | None:
    """Give the last one of a position of the account's; null where there was none."""
    age_s = extract("epoch", func.now() - _TABLE.created_at)
    query = select(_TABLE.command_id, age_s).where(_TABLE.account_id == account_id, _TABLE.position_id == position_id)
    row = db.execute(query).one_or_none()
    return None if row is None else LastAmendment(row[0], float(row[1]))


def follow(db: Connection, account_id: str, position_id: str, command_id: str, last: LastAmendment | None) -> bool:
    """Store a command as the one that follows the last; false where another one does already."""
    if last is None:
        values = {"account_id": account_id, "position_id": position_id, "command_id": command_id}
        added = insert(conditional_amendments).values(**values).on_conflict_do_nothing()
        return db.execute(added.returning(_TABLE.command_id)).scalar_one_or_none() is not None
    is_last = (_TABLE.position_id == position_id) & (_TABLE.command_id == last.command_id)
    changed = update(conditional_amendments).where(_TABLE.account_id == account_id, is_last)
    followed = changed.values(command_id=command_id, created_at=func.now()).returning(_TABLE.command_id)
    return db.execute(followed).scalar_one_or_none() is not None
