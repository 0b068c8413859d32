"""How many requests each name had in a window of time, in all processes of the API together."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Connection, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from api.http.window_counts import CountWindow
from api.store.tables import request_counts

# A statement of another process may be stored so much later than the time that it stores.
LATE: Final = timedelta(seconds=2)
TABLE: Final = request_counts.c
_NEW: Final = select(
    *(func.unnest(bindparam(name, type_=ARRAY(kind))) for name, kind in (("names", Text), ("numbers", BigInteger))),
    *(func.unnest(bindparam(name, type_=ARRAY(BigInteger))) for name in ("lengths", "counts")),
    func.now(),
)
_INSERTED: Final = insert(request_counts).from_select(["name", "number", "length", "count", "changed_at"], _NEW)
_ADD: Final = _INSERTED.on_conflict_do_update(
    index_elements=["name", "number"],
    set_={"count": TABLE.count + _INSERTED.excluded.count, "changed_at": func.now()},
)


def add(db: Connection, new: Mapping[CountWindow, int]) -> None:
    """Add what a process counted."""
    # In one order always: two processes that add to the same names at once wait for each other in one direction only.
    windows = sorted(new)
    parameters = {
        "names": [window.name for window in windows],
        "numbers": [window.number for window in windows],
        "lengths": [window.length for window in windows],
        "counts": [new[window] for window in windows],
    }
    db.execute(_ADD, parameters)


def changed_since(db: Connection, since: datetime | None) -> tuple[datetime, list[tuple[CountWindow, int]]]:
    """Give what all have counted in each window that has changed since a time, and until when this is. null: ever."""
    now: datetime = db.execute(select(func.now())).scalar_one()
    query = select(TABLE.name, TABLE.number, TABLE.length, TABLE.count)
    if since is not None:
        query = query.where(TABLE.changed_at > since - LATE)
    return now, [(CountWindow(name, number, length), count) for name, number, length, count in db.execute(query)]


def forget(db: Connection) -> None:
    """Delete what counts no more: a window still does while the one after it goes on."""
    is_over = (TABLE.number + 2) * TABLE.length < func.extract("epoch", func.now())
    db.execute(delete(request_counts).where(is_over))
