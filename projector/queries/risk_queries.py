"""What all open positions of a market come to, and which would be liquidated next."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from projector.queries.valuation import priced_positions, unrealized_pnl
from projector.tables.ledger_tables import positions
from projector.tables.market_tables import prices
from schemas.messages import Side
from schemas.units import BPS


class ExposureRow(NamedTuple):
    """All open positions of a symbol and side. Quantity: lots; money: micros, profit at shard 0's last price."""

    symbol: str
    side: Side
    positions: int
    quantity: int
    entry_notional: int
    margin: int
    unrealized_pnl: int


class LadderRow(NamedTuple):
    """What would be liquidated if a symbol's exit price moved so far against a side; each step holds those before."""

    symbol: str
    side: Side
    move_bps: int
    price: int
    positions: int
    entry_notional: int
    margin: int


def exposure(db: Connection) -> list[ExposureRow]:
    """Sum the open positions by symbol and side; without a position there is no row."""
    columns = positions.c
    query = (
        select(
            columns.symbol,
            columns.side,
            func.count(),
            func.sum(columns.quantity),
            func.sum(columns.entry_notional),
            func.sum(columns.margin),
            func.coalesce(func.sum(unrealized_pnl()), 0),
        )
        .select_from(priced_positions())
        .where(columns.status == "open")
        .group_by(columns.symbol, columns.side)
        .order_by(columns.symbol, columns.side)
    )
    return [ExposureRow(symbol, side, *map(int, sums)) for symbol, side, *sums in db.execute(query)]


def liquidation_ladder(db: Connection, moves_bps: Sequence[int]) -> list[LadderRow]:
    """Tell for each symbol that has a price, and each side, what each move of the price would liquidate."""
    columns = prices.c
    found = db.execute(select(columns.symbol, columns.bid, columns.ask).order_by(columns.symbol))
    rows = []
    for symbol, bid, ask in found.all():
        if bid is None or ask is None:
            continue
        # A move's price is rounded away from the position's, so that no liquidation is told too early.
        rows += _steps(db, symbol, "long", [(move, -(-bid * (BPS - move) // BPS)) for move in moves_bps])
        rows += _steps(db, symbol, "short", [(move, ask * (BPS + move) // BPS) for move in moves_bps])
    return rows


def _steps(db: Connection, symbol: str, side: Side, steps: Sequence[tuple[int, int]]) -> list[LadderRow]:
    columns = positions.c
    key = columns.liquidation_price
    sums: list[ColumnElement[Any]] = []
    for _, price in steps:
        reached = key >= price if side == "long" else key <= price
        sums += [
            func.count().filter(reached),
            func.coalesce(func.sum(columns.entry_notional).filter(reached), 0),
            func.coalesce(func.sum(columns.margin).filter(reached), 0),
        ]
    query = select(*sums).where(and_(columns.status == "open", columns.symbol == symbol, columns.side == side))
    totals = [int(total) for total in db.execute(query).one()]
    return [
        LadderRow(symbol, side, move, price, *totals[3 * place : 3 * place + 3])
        for place, (move, price) in enumerate(steps)
    ]
