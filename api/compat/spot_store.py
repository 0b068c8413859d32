"""What is stored of seed 002's orders that no outside venue gets; each function is one statement."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import spot_orders

LISTED_MAX: Final = 100


class SpotOrder(NamedTuple):
    """An order as it was asked for; its id is its command's. error: why it was not sent. created_at: µs."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    type: str
    quantity: str
    price: str | None
    error: str | None
    created_at: int


_COLUMNS: Final = tuple(spot_orders.c[name] for name in SpotOrder._fields)


def add(db: Connection, order: SpotOrder) -> SpotOrder:
    """Store an order, and give what is stored under its id: the same again is not another."""
    added = insert(spot_orders).values(**order._asdict()).on_conflict_do_nothing().returning(*_COLUMNS)
    row = db.execute(added).one_or_none()
    if row is None:
        row = db.execute(select(*_COLUMNS).where(spot_orders.c.order_id == order.order_id)).one()
    return SpotOrder(*row)


def note_error(db: Connection, order_id: str, error: str) -> None:
    """Store why nothing came of an order."""
    db.execute(update(spot_orders).where(spot_orders.c.order_id == order_id).values(error=error))


def latest(db: Connection, account_id: str) -> list[SpotOrder]:
    """Give an account's last hundred orders, newest first."""
    query = select(*_COLUMNS).where(spot_orders.c.account_id == account_id)
    rows = db.execute(query.order_by(spot_orders.c.created_at.desc(), spot_orders.c.order_id).limit(LISTED_MAX))
    return [SpotOrder(*row) for row in rows]


def find(db: Connection, account_id: str, order_id: str) -> SpotOrder | None:
    """Give one of an account's orders."""
    query = select(*_COLUMNS).where(spot_orders.c.order_id == order_id, spot_orders.c.account_id == account_id)
    row = db.execute(query).one_or_none()
    return None if row is None else SpotOrder(*row)
