"""How records of the venue's two topics become rows: one transaction with the checkpoints, whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import Connection, Engine, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from projector.database import VENUE_LOCK, hold_until_commit
from projector.tables.venue_tables import venue_fills, venue_orders, venue_positions, venue_progress
from projector.write.venue_positions import NO_HOLDING, Holding, VenueFill, holding_after
from projector.write.writer import TablesEmptied
from schemas.topics import VENUE_COMMANDS, VENUE_EVENTS
from schemas.venue import STATUS_AFTER
from schemas.venue_messages import (
    CancelVenueOrder,
    PlaceVenueOrder,
    VenueCancelReceived,
    VenueCancelRejected,
    VenueCommandRejected,
    VenueMessage,
    VenueOrder,
    VenueOrderAbandoned,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderLost,
    VenueOrderPartiallyFilled,
    VenueOrderReceived,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
    VenueReset,
    VenueTrade,
)

Partition = tuple[str, int]  # topic and partition
_WITH_AMOUNTS: Final = (VenueOrderPartiallyFilled, VenueOrderFilled, VenueOrderCancelled, VenueOrderExpired)


class VenueCheckpoint(NamedTuple):
    """How far a partition is projected; seq: of its events, 0 of commands."""

    next_offset: int
    seq: int


class VenueEntry(NamedTuple):
    """A record and the message in it; null where a command could not be read, which the worker answers."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    message: VenueMessage | None


class VenueWriter:
    """Writes batches; `checkpoints` say how far each partition is, as of the last transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.checkpoints: dict[Partition, VenueCheckpoint] = {}

    def load(self) -> None:
        """Read how far the tables are."""
        with self._engine.begin() as db:
            self.checkpoints = _stored_checkpoints(db)

    def write(self, entries: Sequence[VenueEntry]) -> None:
        """Write what is new of these entries. Repeatable; TablesEmptied when the tables were emptied meanwhile."""
        with self._engine.begin() as db:
            hold_until_commit(db, VENUE_LOCK)
            checkpoints = _stored_checkpoints(db)
            if any(
                checkpoints.get(partition, VenueCheckpoint(0, 0)) < known
                for partition, known in self.checkpoints.items()
            ):
                self.checkpoints = checkpoints
                raise TablesEmptied
            for entry in _new(checkpoints, entries):
                if entry.message is not None:
                    _write(db, entry, entry.message)
            _write_checkpoints(db, checkpoints)
        self.checkpoints = checkpoints


def _new(checkpoints: dict[Partition, VenueCheckpoint], entries: Iterable[VenueEntry]) -> Iterator[VenueEntry]:
    for entry in entries:
        partition = (entry.topic, entry.partition)
        before = checkpoints.get(partition, VenueCheckpoint(0, 0))
        if entry.offset < before.next_offset:
            continue
        seq = 0 if isinstance(entry.message, PlaceVenueOrder | CancelVenueOrder | None) else entry.message.seq
        assert seq in (0, before.seq + 1), f"{partition}, offset {entry.offset}: event {seq} after {before.seq}"
        checkpoints[partition] = VenueCheckpoint(entry.offset + 1, seq)
        yield entry


def _write(db: Connection, entry: VenueEntry, message: VenueMessage) -> None:
    match message:
        case PlaceVenueOrder():
            _insert_order(db, message.account_id, message.order, entry.timestamp_ms * 1_000)
        case CancelVenueOrder() | VenueCommandRejected() | VenueCancelReceived() | VenueCancelRejected():
            return
        case VenueReset():
            assert message.account_id is not None, "a reset is an account's"
            _undo_fills(db, message.account_id, message.surviving_order_ids, message.time)
        case (
            VenueOrderReceived()
            | VenueOrderSubmitted()
            | VenueOrderUnknown()
            | VenueOrderAccepted()
            | VenueOrderPartiallyFilled()
            | VenueOrderFilled()
            | VenueOrderCancelled()
            | VenueOrderExpired()
            | VenueOrderRejected()
            | VenueOrderLost()
            | VenueOrderAbandoned()
        ):
            assert message.account_id is not None, "an order is an account's"
            if isinstance(message, VenueOrderReceived):
                _insert_order(db, message.account_id, message.order, message.time)
            of_order = (venue_orders.c.account_id == message.account_id) & (
                venue_orders.c.order_id == message.order.order_id
            )
            db.execute(update(venue_orders).where(of_order).values(**_changes(message)))
            if isinstance(message, VenueOrderPartiallyFilled | VenueOrderFilled):
                _insert_fills(db, entry, message.account_id, message.order, message.trades)
                _add_to_position(db, message.account_id, message.order, message.trades, message.time)
        case _:
            assert_never(message)


def _changes(event: Any) -> dict[str, Any]:
    """Give what an event changes of its order's row."""
    changes: dict[str, Any] = {"status": STATUS_AFTER[type(event)], "updated_at": event.time}
    if isinstance(event, VenueOrderRejected | VenueOrderAbandoned):
        changes |= {"code": event.code, "message": event.message}
    if isinstance(event, VenueOrderUnknown | VenueOrderExpired):
        changes["message"] = event.reason
    if isinstance(event, (VenueOrderAccepted, *_WITH_AMOUNTS)):
        changes["venue_order_id"] = event.venue_order_id
    if isinstance(event, _WITH_AMOUNTS):
        changes["executed_quantity"] = Decimal(event.executed_quantity)
        changes["executed_quote"] = Decimal(event.executed_quote)
    return changes


def _insert_order(db: Connection, account_id: str, order: VenueOrder, created_at: int) -> None:
    """Store an order, as its command or its first event gives it, whichever is read sooner."""
    digits = {name: _decimal(getattr(order, name)) for name in ("quantity", "price", "stop_price")}
    values = {
        "account_id": account_id,
        "order_id": order.order_id,
        "status": "pending",
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "executed_quantity": Decimal(0),
        "executed_quote": Decimal(0),
        "created_at": created_at,
        "updated_at": created_at,
        **digits,
        "quantity": digits["quantity"] or Decimal(0),
    }
    db.execute(insert(venue_orders).values(values).on_conflict_do_nothing())


def _insert_fills(
    db: Connection, entry: VenueEntry, account_id: str, order: VenueOrder, trades: Sequence[VenueTrade]
) -> None:
    assert isinstance(entry.message, VenueOrderPartiallyFilled | VenueOrderFilled), "only they have trades"
    rows = [
        {
            "partition": entry.partition,
            "seq": entry.message.seq,
            "line": line,
            "account_id": account_id,
            "order_id": order.order_id,
            "symbol": order.symbol,
            "side": order.side,
            "trade_id": trade.trade_id,
            "time": trade.time,
            "price": Decimal(trade.price),
            "quantity": Decimal(trade.quantity),
            "commission": Decimal(trade.commission),
            "commission_asset": trade.commission_asset,
            "counts": True,
        }
        for line, trade in enumerate(trades)
    ]
    db.execute(insert(venue_fills), rows)


def _add_to_position(
    db: Connection, account_id: str, order: VenueOrder, trades: Sequence[VenueTrade], time: int
) -> None:
    """Add trades to what is held."""
    columns = venue_positions.c
    row = db.execute(
        select(columns.quantity, columns.cost, columns.realized_pnl).where(
            columns.account_id == account_id, columns.symbol == order.symbol
        )
    ).one_or_none()
    held = NO_HOLDING if row is None else Holding(*row)
    for trade in trades:
        execution = VenueFill(
            order.symbol,
            order.side,
            Decimal(trade.price),
            Decimal(trade.quantity),
            Decimal(trade.commission),
            trade.commission_asset,
        )
        held = holding_after(held, execution)
    _write_holding(db, account_id, order.symbol, held, time)


def _undo_fills(db: Connection, account_id: str, survivors: Sequence[str], time: int) -> None:
    """Take back what the venue forgot, and hold again what the surviving orders' trades make."""
    columns = venue_fills.c
    of_account = (columns.account_id == account_id) & columns.counts
    db.execute(update(venue_fills).where(of_account, columns.order_id.not_in(survivors)).values(counts=False))
    db.execute(delete(venue_positions).where(venue_positions.c.account_id == account_id))
    fields = tuple(columns[name] for name in VenueFill._fields)
    held: dict[str, Holding] = {}
    for row in db.execute(select(*fields).where(of_account).order_by(columns.seq, columns.line)):
        trade = VenueFill(*row)
        held[trade.symbol] = holding_after(held.get(trade.symbol, NO_HOLDING), trade)
    for symbol, holding in held.items():
        _write_holding(db, account_id, symbol, holding, time)


def _write_holding(db: Connection, account_id: str, symbol: str, held: Holding, time: int) -> None:
    values = {"account_id": account_id, "symbol": symbol, **held._asdict(), "updated_at": time}
    statement = insert(venue_positions).values(values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[venue_positions.c.account_id, venue_positions.c.symbol],
            set_={name: statement.excluded[name] for name in (*Holding._fields, "updated_at")},
        )
    )


def _stored_checkpoints(db: Connection) -> dict[Partition, VenueCheckpoint]:
    columns = venue_progress.c
    found = db.execute(select(columns.topic, columns.partition, columns.next_offset, columns.seq))
    return {(row.topic, row.partition): VenueCheckpoint(row.next_offset, row.seq) for row in found}


def _write_checkpoints(db: Connection, checkpoints: Mapping[Partition, VenueCheckpoint]) -> None:
    if not checkpoints:
        return
    rows = [
        {"topic": topic, "partition": partition, **checkpoint._asdict()}
        for (topic, partition), checkpoint in checkpoints.items()
    ]
    statement = insert(venue_progress).values(rows)
    key = [venue_progress.c.topic, venue_progress.c.partition]
    db.execute(
        statement.on_conflict_do_update(
            index_elements=key,
            set_={name: statement.excluded[name] for name in VenueCheckpoint._fields},
            where=tuple_(*(venue_progress.c[name] for name in VenueCheckpoint._fields))
            != tuple_(*(statement.excluded[name] for name in VenueCheckpoint._fields)),
        )
    )


def _decimal(digits: str | None) -> Decimal | None:
    """Give a number for a column; what a client sent that is none was refused, and its row says so."""
    try:
        number = None if digits is None else Decimal(digits)
    except ArithmeticError:
        return None
    return number if number is None or number.is_finite() else None


TOPICS: Final = (VENUE_COMMANDS, VENUE_EVENTS)
