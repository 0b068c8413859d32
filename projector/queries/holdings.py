"""What an account holds as if on a spot market: its longs of 1x, net by symbol."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, func, select

from projector.tables.ledger_tables import fills, positions

SPOT_LEVERAGE: Final = 100


class HoldingRow(NamedTuple):
    """Open longs of 1x of one symbol: lots, what they cost (micros), and what was realized on all there ever were."""

    symbol: str
    quantity: int
    cost: int
    realized_pnl: int


class ExecutionRow(NamedTuple):
    """What a command executed. quantity: lots; notional: ticks times lots."""

    command_id: str
    quantity: int
    notional: int


_SPOT: Final = and_(positions.c.side == "long", positions.c.leverage == SPOT_LEVERAGE)


def holdings(db: Connection, account_id: str) -> list[HoldingRow]:
    """Give what an account holds, by symbol."""
    columns = positions.c
    is_open = columns.status == "open"
    realized = (
        select(columns.symbol, func.sum(fills.c.realized_pnl).label("realized_pnl"))
        .join_from(positions, fills, fills.c.position_id == columns.position_id)
        .where(columns.account_id == account_id, _SPOT)
        .group_by(columns.symbol)
        .subquery()
    )
    query = (
        select(
            columns.symbol,
            func.sum(columns.quantity).label("quantity"),
            func.sum(columns.entry_notional).label("cost"),
            func.coalesce(func.max(realized.c.realized_pnl), 0).label("realized_pnl"),
        )
        .join_from(positions, realized, realized.c.symbol == columns.symbol, isouter=True)
        .where(columns.account_id == account_id, _SPOT, is_open)
        .group_by(columns.symbol)
        .order_by(columns.symbol)
    )
    return [HoldingRow(row[0], int(row[1]), int(row[2]), int(row[3])) for row in db.execute(query)]


def executions(db: Connection, account_id: str, command_ids: Sequence[str]) -> list[ExecutionRow]:
    """Give what these commands of an account executed."""
    columns = fills.c
    query = (
        select(columns.order_id, func.sum(columns.quantity), func.sum(columns.quantity * columns.price))
        .where(columns.account_id == account_id, columns.order_id.in_(command_ids))
        .group_by(columns.order_id)
    )
    return [ExecutionRow(row[0], int(row[1]), int(row[2])) for row in db.execute(query)]
