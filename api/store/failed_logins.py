"""How many logins failed, or are not decided, of each account and address, in all processes of the API together."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, case, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from api.credentials.throttle import FullCounts
from api.store.database import Database
from api.store.tables import failed_logins

TABLE: Final = failed_logins.c


class _Full(Exception):
    """Ends the transaction, so that nothing is counted."""

    def __init__(self, counts: FullCounts) -> None:
        super().__init__(counts)
        self.counts = counts


class FailedLogins(NamedTuple):
    """The counts of all processes. Each method is one transaction."""

    database: Database

    async def begin(self, limits: Mapping[str, int], window_s: float) -> FullCounts | None:
        """Count a login of each name, within its limit, in a window that begins with the first; else count none."""
        try:
            await self.database.ask_in_transaction(lambda db: _begin(db, limits, timedelta(seconds=window_s)))
        except _Full as full:
            return full.counts
        return None

    async def withdraw(self, names: Sequence[str]) -> None:
        """Count a login of each name less: it was none."""
        await self.database.ask_in_transaction(lambda db: _withdraw(db, names))

    async def succeeded(self, cleared: str, withdrawn: Sequence[str]) -> None:
        """Forget all failures of a name, and count a login of others less."""

        def forget_it(db: Connection) -> None:
            db.execute(delete(failed_logins).where(TABLE.name == cleared))
            _withdraw(db, withdrawn)

        await self.database.ask_in_transaction(forget_it)


def forget(db: Connection, window_s: float) -> None:
    """Delete what counts no more."""
    db.execute(delete(failed_logins).where(TABLE.began_at <= func.now() - timedelta(seconds=window_s)))


def _begin(db: Connection, limits: Mapping[str, int], window: timedelta) -> None:
    is_over = TABLE.began_at <= func.now() - window
    # In one order always: two logins of the same names wait for each other in one direction only.
    new = insert(failed_logins).values([{"name": name, "count": 1, "began_at": func.now()} for name in sorted(limits)])
    counted = new.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "count": case((is_over, 1), else_=TABLE.count + 1),
            "began_at": case((is_over, func.now()), else_=TABLE.began_at),
        },
    ).returning(TABLE.name, TABLE.count, func.extract("epoch", TABLE.began_at + window - func.now()))
    full = {name: float(wait_s) for name, count, wait_s in db.execute(counted) if count > limits[name]}
    if full:
        raise _Full(FullCounts(list(full), max(full.values())))


def _withdraw(db: Connection, names: Sequence[str]) -> None:
    for name in sorted(names):
        db.execute(update(failed_logins).where(TABLE.name == name, TABLE.count > 0).values(count=TABLE.count - 1))
