"""Which questions the API may ask of the projection, and what the answers look like.

Every function takes an open Connection and reads only. Units are the ledger's (tables.py). Lists are newest first;
`before` takes the `next_cursor` of the page before. What belongs to another account is not found.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Numeric, Select, and_, case, cast, func, select

from reprise.projector import tables
from reprise.projector.answers import (
    AccountRow,
    CommandRow,
    EventRow,
    FillRow,
    LedgerRow,
    Page,
    PositionRow,
    ReceiptRow,
    ShardProgress,
    page_of,
)
from reprise.projector.holdings import ExecutionRow, HoldingRow, executions, holdings
from reprise.projector.market_queries import (
    CandleRow,
    DayStats,
    FeedRow,
    InstrumentRow,
    Interval,
    PriceCondition,
    PriceRow,
    candle_end,
    candle_start,
    candles,
    day_stats,
    instruments,
    last_feed,
    last_prices,
    price_condition,
)
from reprise.projector.order_queries import opening, orders
from reprise.projector.risk_queries import ExposureRow, LadderRow, exposure, liquidation_ladder
from reprise.projector.venue_queries import (
    VenueOrderRow,
    VenuePositionRow,
    venue_next_offset,
    venue_order_row,
    venue_order_rows,
    venue_position_rows,
)
from reprise.schemas.events import PositionClosed, PositionReduced
from reprise.schemas.ids import event_id as name_event

__all__ = [
    "AccountRow",
    "CandleRow",
    "CommandRow",
    "DayStats",
    "EventRow",
    "ExecutionRow",
    "ExposureRow",
    "FeedRow",
    "FillRow",
    "HoldingRow",
    "InstrumentRow",
    "Interval",
    "LadderRow",
    "LedgerRow",
    "Page",
    "PositionRow",
    "PriceCondition",
    "PriceRow",
    "ReceiptRow",
    "ShardProgress",
    "VenueOrderRow",
    "VenuePositionRow",
    "account",
    "account_events",
    "candle_end",
    "candle_start",
    "candles",
    "command",
    "command_by_client_order_id",
    "day_stats",
    "executions",
    "exposure",
    "fills",
    "holdings",
    "instruments",
    "last_feed",
    "last_prices",
    "ledger",
    "liquidation_ladder",
    "open_position_count",
    "opening",
    "orders",
    "position",
    "positions",
    "price_condition",
    "progress",
    "projected_seq",
    "realized_pnl",
    "receipt",
    "venue_next_offset",
    "venue_order_row",
    "venue_order_rows",
    "venue_position_rows",
]

LINES_MAX = 8  # ledger lines one event may have, for a cursor of one number


def account(db: Connection, account_id: str) -> AccountRow | None:
    """Give an account with its unrealised profit, or null before its AccountOpened was projected."""
    unrealized = (
        select(func.coalesce(func.sum(_unrealized_pnl()), 0))
        .select_from(_priced_positions())
        .where(tables.positions.c.account_id == account_id, tables.positions.c.status == "open")
        .scalar_subquery()
    )
    found = db.execute(
        select(tables.accounts, unrealized.label("unrealized_pnl")).where(tables.accounts.c.account_id == account_id)
    )
    row = found.mappings().one_or_none()
    return None if row is None else AccountRow(**dict(row) | {"unrealized_pnl": int(row["unrealized_pnl"])})


def positions(
    db: Connection,
    account_id: str,
    *,
    status: Literal["open", "closed", "all"] = "open",
    symbol: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> Page[PositionRow]:
    """List an account's positions, the last opened first."""
    query = _positions().where(tables.positions.c.account_id == account_id)
    if status != "all":
        query = query.where(tables.positions.c.status == status)
    if symbol is not None:
        query = query.where(tables.positions.c.symbol == symbol)
    if before is not None:
        query = query.where(tables.positions.c.opened_seq < before)
    found = db.execute(query.order_by(tables.positions.c.opened_seq.desc()).limit(limit + 1))
    items = [_position(row) for row in found.mappings()]
    return page_of(items, limit, [row.opened_seq for row in items])


def position(db: Connection, account_id: str, position_id: str) -> PositionRow | None:
    """Give one of the account's positions, open or closed."""
    query = _positions().where(
        tables.positions.c.account_id == account_id, tables.positions.c.position_id == position_id
    )
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else _position(row)


def open_position_count(db: Connection) -> int:
    """Count the open positions of all accounts."""
    query = select(func.count()).select_from(tables.positions).where(tables.positions.c.status == "open")
    return int(db.execute(query).scalar_one())


def fills(
    db: Connection, account_id: str, *, symbol: str | None = None, limit: int = 50, before: int | None = None
) -> Page[FillRow]:
    """List an account's executions."""
    columns = tables.fills.c
    query = select(tables.fills).where(columns.account_id == account_id)
    if symbol is not None:
        query = query.where(columns.symbol == symbol)
    if before is not None:
        query = query.where(columns.seq < before)
    rows = db.execute(query.order_by(columns.seq.desc()).limit(limit + 1)).mappings().all()
    items = [FillRow(**_named(row)) for row in rows]
    return page_of(items, limit, [row["seq"] for row in rows])


def realized_pnl(db: Connection, position_id: str, seq: int) -> int | None:
    """Give what was realized on a position up to an event of its shard, before fees; null where nothing was closed."""
    columns, positions = tables.fills.c, tables.positions.c
    query = (
        select(func.sum(columns.realized_pnl))
        .join_from(tables.positions, tables.fills, columns.account_id == positions.account_id)
        .where(positions.position_id == position_id, columns.position_id == position_id, columns.seq <= seq)
    )
    realized = db.execute(query).scalar_one()
    return None if realized is None else int(realized)


def account_events(db: Connection, account_id: str, *, after: int = 0, limit: int = 50) -> Page[EventRow]:
    """List an account's events, the oldest after that account_seq first; the cursor is the `after` of the next page."""
    table = tables.account_events.c
    query = select(tables.account_events).where(table.account_id == account_id, table.account_seq > after)
    rows = db.execute(query.order_by(table.account_seq).limit(limit + 1)).mappings().all()
    items = [
        EventRow(name_event(row["shard"], row["seq"]), row["account_seq"], row["time"], row["type"], row["event"])
        for row in rows
    ]
    return page_of(items, limit, [row.account_seq for row in items])


def ledger(
    db: Connection,
    account_id: str,
    *,
    start: int | None = None,
    end: int | None = None,
    limit: int = 50,
    before: int | None = None,
) -> Page[LedgerRow]:
    """List an account's ledger lines, of [start, end) where those are given."""
    table = tables.ledger_entries.c
    query = select(tables.ledger_entries).where(table.account_id == account_id)
    if start is not None:
        query = query.where(table.time >= start)
    if end is not None:
        query = query.where(table.time < end)
    if before is not None:
        seq, line = divmod(before, LINES_MAX)
        query = query.where((table.seq < seq) | and_(table.seq == seq, table.line < line))
    rows = db.execute(query.order_by(table.seq.desc(), table.line.desc()).limit(limit + 1)).mappings().all()
    items = []
    for row in rows:
        fields = _named(row)
        line = fields.pop("line")
        items.append(LedgerRow(line_id=f"{fields['event_id']}.{line}", **fields))
    return page_of(items, limit, [row["seq"] * LINES_MAX + row["line"] for row in rows])


def command(db: Connection, account_id: str | None, command_id: str) -> CommandRow | None:
    """Give a command's outcome. account_id: null for a broadcast's command."""
    owner = tables.commands.c.account_id.is_(None) if account_id is None else tables.commands.c.account_id == account_id
    return _command(db, select(tables.commands).where(tables.commands.c.command_id == command_id, owner))


def command_by_client_order_id(db: Connection, account_id: str, client_order_id: str) -> CommandRow | None:
    """Give the first order that opened a position under this client order id."""
    query = (
        select(tables.commands)
        .where(tables.commands.c.account_id == account_id, tables.commands.c.client_order_id == client_order_id)
        .order_by(tables.commands.c.seq)
        .limit(1)
    )
    return _command(db, query)


def receipt(db: Connection, account_id: str, event_id: str) -> ReceiptRow | None:
    """Give the receipt of one of the account's closes."""
    query = select(tables.receipts.c.event).where(
        tables.receipts.c.account_id == account_id, tables.receipts.c.event_id == event_id
    )
    event = db.execute(query).scalar_one_or_none()
    if event is None:
        return None
    if "quantity_left" in event:
        return ReceiptRow(event_id, msgspec.convert(event, PositionReduced))
    return ReceiptRow(event_id, msgspec.convert(event, PositionClosed))


def progress(db: Connection) -> list[ShardProgress]:
    """Say how far each shard has been projected, in shard order; a shard without any event yet has no row."""
    table = tables.progress.c
    query = select(table.shard, table.seq, table.next_offset, table.time, table.current_at).order_by(table.shard)
    return [ShardProgress(*row) for row in db.execute(query)]


def projected_seq(db: Connection, shard: int) -> int:
    """Give the last projected event's `seq` of a shard; 0 before the first."""
    query = select(tables.progress.c.seq).where(tables.progress.c.shard == shard)
    return db.execute(query).scalar_one_or_none() or 0


def _priced_positions() -> Any:
    return tables.positions.outerjoin(
        tables.instruments, tables.instruments.c.symbol == tables.positions.c.symbol
    ).outerjoin(tables.prices, tables.prices.c.symbol == tables.positions.c.symbol)


def _exit_price() -> ColumnElement[int | None]:
    return case((tables.positions.c.side == "long", tables.prices.c.bid), else_=tables.prices.c.ask)


def _unrealized_pnl() -> ColumnElement[Any]:
    """Signed notional at the exit price less that at entry; in NUMERIC, so that no price can overflow it."""
    move = case(
        (tables.positions.c.side == "long", tables.prices.c.bid - tables.positions.c.entry_price),
        else_=tables.positions.c.entry_price - tables.prices.c.ask,
    )
    return cast(move, Numeric) * tables.positions.c.quantity * tables.instruments.c.tick_value


def _positions() -> Select[Any]:
    is_open = tables.positions.c.status == "open"
    return select(
        *(column for column in tables.positions.c if column.name != "shard"),
        case((is_open, _exit_price())).label("exit_price"),
        case((is_open, _unrealized_pnl())).label("unrealized_pnl"),
    ).select_from(_priced_positions())


def _position(row: Any) -> PositionRow:
    unrealized = row["unrealized_pnl"]
    return PositionRow(**dict(row) | {"unrealized_pnl": None if unrealized is None else int(unrealized)})


def _named(row: Any) -> dict[str, Any]:
    """The row with its event's name in place of shard and seq."""
    fields = dict(row)
    return fields | {"event_id": name_event(fields.pop("shard"), fields.pop("seq"))}


def _command(db: Connection, query: Select[Any]) -> CommandRow | None:
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else CommandRow(event_id=name_event(row["shard"], row["seq"]), **row)
