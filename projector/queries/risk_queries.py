"""What all open positions of a market come to, which would be liquidated next, and what the insurance funds hold."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Numeric,
    Text,
    and_,
    case,
    cast,
    func,
    select,
    tuple_,
    values,
)

from projector.queries.valuation import priced_positions, unrealized_pnl
from projector.tables.ledger_tables import insurance, positions
from projector.tables.market_tables import instruments, prices
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
    """What would be liquidated if a symbol's exit price moved so far against a side; each step holds those before.

    accounts: whose positions they are. notional, shortfall: micros, at the moved price; shortfall: what they would owe
    beyond their margins.
    """

    symbol: str
    side: Side
    move_bps: int
    price: int
    positions: int
    accounts: int
    entry_notional: int
    margin: int
    notional: int
    shortfall: int


class MoveRow(NamedTuple):
    """What would be liquidated if every symbol's price moved so far against a side at the same time. Money: micros."""

    side: Side
    move_bps: int
    positions: int
    accounts: int
    entry_notional: int
    margin: int
    notional: int
    shortfall: int


class RiskLadder(NamedTuple):
    """The ladder of each symbol, and of all of them together."""

    by_symbol: list[LadderRow]
    together: list[MoveRow]


class InsuranceRow(NamedTuple):
    """A shard's insurance fund since its first close, in micros. What it holds is received less paid."""

    shard: int
    received: int
    paid: int
    written_off: int


_SUMS: Final = 6  # columns of what a step comes to
_SIDES: Final[tuple[Side, ...]] = ("long", "short")


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


def liquidation_ladder(db: Connection, moves_bps: Sequence[int]) -> RiskLadder:
    """Tell for each symbol that has a price, and each side, what each move of the price would liquidate.

    It assumes that bid and ask move by the same part of themselves at once, in every shard, to a price that is
    accepted; that nothing opens, closes or is amended meanwhile, so that a stop on the way closes nothing before; and
    that each position reached closes at the moved price. Which are reached is told by the liquidation price that the
    core gave each.
    """
    columns = prices.c
    found = db.execute(select(columns.symbol, columns.bid, columns.ask).order_by(columns.symbol))
    # A move's price is rounded away from the position's, so that no liquidation is told too early.
    steps: dict[tuple[str, Side, int], int] = {}
    for symbol, bid, ask in found.all():
        if bid is None or ask is None:
            continue
        steps |= {(symbol, "long", move): -(-bid * (BPS - move) // BPS) for move in moves_bps}
        steps |= {(symbol, "short", move): ask * (BPS + move) // BPS for move in moves_bps}
    sums = _sums_of_steps(db, steps) if steps else {}
    nothing = (0,) * _SUMS
    return RiskLadder(
        [
            LadderRow(symbol, side, move, price, *sums.get((symbol, side, move), nothing))
            for (symbol, side, move), price in steps.items()
        ],
        [MoveRow(side, move, *sums.get((None, side, move), nothing)) for side in _SIDES for move in moves_bps],
    )


def insurance_funds(db: Connection) -> list[InsuranceRow]:
    """Give what each shard's closes paid into its insurance fund and took out of it; none before the first close."""
    return [InsuranceRow(*row) for row in db.execute(select(insurance).order_by(insurance.c.shard))]


def _sums_of_steps(
    db: Connection, steps: dict[tuple[str, Side, int], int]
) -> dict[tuple[str | None, Side, int], tuple[int, ...]]:
    """Sum what each step reaches, by symbol, side and move, and of all symbols together, which have none."""
    step = (
        values(
            Column("symbol", Text),
            Column("side", Text),
            Column("move", Integer),
            Column("price", BigInteger),
            name="step",
        )
        .data([(*named, price) for named, price in steps.items()])
        .c
    )
    columns = positions.c
    is_long = columns.side == "long"
    # In NUMERIC, so that no price can overflow it.
    notional = cast(step.price, Numeric) * columns.quantity * instruments.c.tick_value
    profit = case((is_long, notional - columns.entry_notional), else_=columns.entry_notional - notional)
    key = columns.liquidation_price
    reached = case((is_long, key >= step.price), else_=key <= step.price)
    query = (
        select(
            step.symbol,
            step.side,
            step.move,
            func.count(),
            func.count(columns.account_id.distinct()),
            func.sum(columns.entry_notional),
            func.sum(columns.margin),
            func.sum(notional),
            func.sum(func.greatest(0, -(columns.margin + profit))),
        )
        .join_from(positions, instruments, instruments.c.symbol == columns.symbol)
        .join(step.symbol.table, and_(step.symbol == columns.symbol, step.side == columns.side, reached))
        .where(columns.status == "open")
        .group_by(func.grouping_sets(tuple_(step.symbol, step.side, step.move), tuple_(step.side, step.move)))
    )
    return {
        (symbol, side, move): tuple(int(each) for each in found) for symbol, side, move, *found in db.execute(query)
    }
