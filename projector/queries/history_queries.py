"""What happened to an account: its fills, ledger lines, events and receipts."""

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, func, select

from projector.queries.answers import (
    EventRow,
    FillRow,
    LedgerRow,
    Page,
    ReceiptRow,
    TickClosingRow,
    TickClosingRows,
    page_of,
)
from projector.tables.ledger_tables import account_events as account_events_table
from projector.tables.ledger_tables import fills as fills_table
from projector.tables.ledger_tables import ledger_entries as ledger_entries_table
from projector.tables.ledger_tables import positions as positions_table
from projector.tables.ledger_tables import receipt_symbol, receipt_tick_time
from projector.tables.ledger_tables import receipts as receipts_table
from schemas.events import PositionClosed, PositionReduced
from schemas.ids import event_id as name_event
from schemas.plain_data import from_builtins

# What a tick causes; the rest somebody asked for.
TRIGGERED: Final = ("liquidation", "stop_loss", "take_profit", "trailing_stop")
LINES_MAX: Final = 8  # ledger lines one event may have, for a cursor of one number


def fills(
    db: Connection, account_id: str, *, symbol: str | None = None, limit: int = 50, before: int | None = None
) -> Page[FillRow]:
    """List an account's executions."""
    columns = fills_table.c
    query = select(fills_table).where(columns.account_id == account_id)
    if symbol is not None:
        query = query.where(columns.symbol == symbol)
    if before is not None:
        query = query.where(columns.seq < before)
    rows = db.execute(query.order_by(columns.seq.desc()).limit(limit + 1)).mappings().all()
    items = [FillRow(**_named(row)) for row in rows]
    return page_of(items, limit, [row["seq"] for row in rows])


def realized_pnl(db: Connection, position_id: str, seq: int) -> int | None:
    """Give what was realized on a position up to an event of its shard, before fees; null where nothing was closed."""
    columns, positions = fills_table.c, positions_table.c
    query = (
        select(func.sum(columns.realized_pnl))
        .join_from(positions_table, fills_table, columns.account_id == positions.account_id)
        .where(positions.position_id == position_id, columns.position_id == position_id, columns.seq <= seq)
    )
    realized = db.execute(query).scalar_one()
    return None if realized is None else int(realized)


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
    table = ledger_entries_table.c
    query = select(ledger_entries_table).where(table.account_id == account_id)
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


def account_events(db: Connection, account_id: str, *, after: int = 0, limit: int = 50) -> Page[EventRow]:
    """List an account's events, the oldest after that account_seq first; the cursor is the `after` of the next page."""
    table = account_events_table.c
    query = select(account_events_table).where(table.account_id == account_id, table.account_seq > after)
    rows = db.execute(query.order_by(table.account_seq).limit(limit + 1)).mappings().all()
    items = [
        EventRow(name_event(row["shard"], row["seq"]), row["account_seq"], row["time"], row["type"], row["event"])
        for row in rows
    ]
    return page_of(items, limit, [row.account_seq for row in items])


def account_event(db: Connection, account_id: str, shard: int, seq: int) -> EventRow | None:
    """Give one of the account's events by its place in the shard."""
    table = account_events_table.c
    query = select(account_events_table).where(table.account_id == account_id, table.shard == shard, table.seq == seq)
    row = db.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return EventRow(name_event(shard, seq), row["account_seq"], row["time"], row["type"], row["event"])


def receipt(db: Connection, account_id: str, event_id: str) -> ReceiptRow | None:
    """Give the receipt of one of the account's closes."""
    query = select(receipts_table.c.event).where(
        receipts_table.c.account_id == account_id, receipts_table.c.event_id == event_id
    )
    event = db.execute(query).scalar_one_or_none()
    if event is None:
        return None
    if "quantity_left" in event:
        return ReceiptRow(event_id, from_builtins(event, PositionReduced))
    return ReceiptRow(event_id, from_builtins(event, PositionClosed))


def closings_at_tick(
    db: Connection, event_id: str, event: PositionClosed | PositionReduced, near: int
) -> TickClosingRows:
    """Give what the command of a close closed of its symbol, in the ledger's order: its neighbours, so many each way.

    No row at all where the tables do not have the close itself yet.
    """
    shard = event_id.partition("-")[0]
    columns = receipts_table.c
    seq = _number("seq")
    at_tick = (receipt_symbol == event.symbol) & (receipt_tick_time == event.tick_source_time)
    here = func.split_part(columns.event_id, "-", 1) == shard
    placed = (
        select(
            columns.event_id,
            columns.account_id,
            columns.event,
            seq.label("seq"),
            func.row_number().over(order_by=seq).label("place"),
            func.count().over().label("count"),
        )
        .where(at_tick, here, _number("command_offset") == event.command_offset)
        .cte("placed")
    )
    own = select(placed.c.place).where(placed.c.event_id == event_id).scalar_subquery()
    query = select(placed).where(placed.c.place.between(own - near, own + near)).order_by(placed.c.place)
    rows = db.execute(query).mappings().all()
    elsewhere = select(func.count()).where(at_tick, ~here, columns.event["reason"].astext.in_(TRIGGERED))
    return TickClosingRows(
        rows[0]["count"] if rows else 0,
        [
            TickClosingRow(
                row["place"],
                row["event_id"],
                row["account_id"],
                row["event"]["side"],
                row["event"]["quantity"],
                row["event"]["price"],
                row["event"]["reason"],
            )
            for row in rows
        ],
        db.execute(elsewhere).scalar_one() if event.reason in TRIGGERED else 0,
    )


def _number(member: str) -> ColumnElement[int]:
    return cast(receipts_table.c.event[member].astext, BigInteger)


def _named(row: Any) -> dict[str, Any]:
    """The row with its event's name in place of shard and seq."""
    fields = dict(row)
    return fields | {"event_id": name_event(fields.pop("shard"), fields.pop("seq"))}
