"""Which questions the API may ask about orders at the venue, and what the answers look like."""

from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Exists, Select, exists, func, select

from projector.queries.answers import Page
from projector.tables.venue_tables import venue_fills, venue_orders, venue_positions, venue_progress
from schemas.venue import OPEN_STATUSES, VenueStatus
from schemas.venue_messages import VenueSide


class VenueOrderRow(NamedTuple):
    """An order at the venue. number: grows with the time it was first heard of; code and message: why not."""

    order_id: str
    number: int
    status: VenueStatus
    symbol: str
    side: VenueSide
    type: str
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str | None
    venue_order_id: int | None
    executed_quantity: Decimal
    executed_quote: Decimal
    code: str | None
    message: str | None
    created_at: int
    updated_at: int


class VenuePositionRow(NamedTuple):
    """What is held of a symbol, net. average_entry_price is null where nothing is."""

    symbol: str
    quantity: Decimal
    average_entry_price: Decimal | None
    realized_pnl: Decimal
    updated_at: int


class VenueStandingRow(NamedTuple):
    """How many of an account's orders may still change, and how many of its executions a reset of the venue undid."""

    open_orders: int
    undone_fills: int


_ORDER: Final = tuple(venue_orders.c[name] for name in VenueOrderRow._fields)


def venue_order_rows(db: Connection, account_id: str, limit: int, before: int | None = None) -> Page[VenueOrderRow]:
    """Give an account's orders, newest first."""
    query = select(*_ORDER).where(venue_orders.c.account_id == account_id)
    if before is not None:
        query = query.where(venue_orders.c.number < before)
    rows = [VenueOrderRow(*row) for row in db.execute(query.order_by(venue_orders.c.number.desc()).limit(limit + 1))]
    return Page(rows[:limit], rows[limit - 1].number if len(rows) > limit else None)


def venue_order_row(db: Connection, account_id: str, order_id: str) -> VenueOrderRow | None:
    """Give one of an account's orders."""
    query = select(*_ORDER).where(venue_orders.c.account_id == account_id, venue_orders.c.order_id == order_id)
    row = db.execute(query).one_or_none()
    return None if row is None else VenueOrderRow(*row)


def open_venue_orders(db: Connection, account_id: str) -> list[str]:
    """Give the ids of an account's orders to which something may still happen, oldest first."""
    columns = venue_orders.c
    found = select(columns.order_id).where(columns.account_id == account_id, columns.status.in_(OPEN_STATUSES))
    return list(db.execute(found.order_by(columns.number)).scalars())


def venue_standing(db: Connection, account_id: str) -> VenueStandingRow:
    """Count an account's open orders, and the executions that count no more."""
    undone = select(func.count()).where(venue_fills.c.account_id == account_id, ~venue_fills.c.counts)
    return VenueStandingRow(len(open_venue_orders(db, account_id)), db.execute(undone).scalar_one())


def any_open_at_venue(accounts: Select[Any]) -> Exists:
    """Give the condition that something may still happen to an order of these accounts."""
    columns = venue_orders.c
    return exists().where(columns.account_id.in_(accounts), columns.status.in_(OPEN_STATUSES))


def venue_position_rows(db: Connection, account_id: str) -> list[VenuePositionRow]:
    """Give what an account holds, and what it once held and has realized, by symbol."""
    columns = venue_positions.c
    found = db.execute(
        select(columns.symbol, columns.quantity, columns.cost, columns.realized_pnl, columns.updated_at)
        .where(columns.account_id == account_id)
        .order_by(columns.symbol)
    )
    return [
        VenuePositionRow(
            row.symbol,
            row.quantity,
            row.cost / row.quantity if row.quantity else None,
            row.realized_pnl,
            row.updated_at,
        )
        for row in found
    ]


def venue_next_offset(db: Connection, topic: str, partition: int) -> int:
    """Give how far one of the venue's topics is projected."""
    columns = venue_progress.c
    query = select(columns.next_offset).where(columns.topic == topic, columns.partition == partition)
    return db.execute(query).scalar_one_or_none() or 0
