"""How many requests each key had in a window of time, in all processes of the API together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Connection, DateTime, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from api.http.window_counts import CountWindow
from api.store.tables import request_counts

_NEW: Final = select(
    func.unnest(bindparam("keys", type_=ARRAY(Text))),
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))),
    func.unnest(bindparam("counts", type_=ARRAY(BigInteger))),
    func.unnest(bindparam("forget_at", type_=ARRAY(DateTime(timezone=True)))),
)
_INSERTED: Final = insert(request_counts).from_select(["key", "number", "count", "forget_at"], _NEW)
_ADD: Final = _INSERTED.on_conflict_do_update(
    index_elements=["key", "number"], set_={"count": request_counts.c.count + _INSERTED.excluded.count}
).returning(request_counts.c.key, request_counts.c.number, request_counts.c.count)


def add(db: Connection, new: Mapping[CountWindow, int]) -> list[tuple[CountWindow, int]]:
    """Add what a process counted, and give what all have counted in the same windows."""
    # In one order always: two processes that add to the same keys at once wait for each other in one direction only.
    windows = sorted(new)
    if not windows:
        return []
    lengths = {(window.key, window.number): window.length for window in windows}
    parameters = {
        "keys": [window.key for window in windows],
        "numbers": [window.number for window in windows],
        "counts": [new[window] for window in windows],
        # A window still counts while the one after it is going on.
        "forget_at": [datetime.fromtimestamp((window.number + 2) * window.length, UTC) for window in windows],
    }
    rows = db.execute(_ADD, parameters)
    return [(CountWindow(key, number, lengths[key, number]), count) for key, number, count in rows]


def forget(db: Connection) -> None:
    """Delete what counts no more."""
    db.execute(delete(request_counts).where(request_counts.c.forget_at < func.now()))
