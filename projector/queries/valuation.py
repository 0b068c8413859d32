"""What an open position is worth at the last price: the one formula of SQL for it."""

from typing import Any

from sqlalchemy import ColumnElement, Join, Numeric, case, cast

from projector.tables.ledger_tables import positions
from projector.tables.market_tables import instruments, prices


def priced_positions() -> Join:
    """Give the positions, each beside its instrument and shard 0's last price; both are null where there is none."""
    return positions.outerjoin(instruments, instruments.c.symbol == positions.c.symbol).outerjoin(
        prices, prices.c.symbol == positions.c.symbol
    )


def exit_price() -> ColumnElement[int | None]:
    """Give the price at which a position would close: a long at the bid, a short at the ask."""
    return case((positions.c.side == "long", prices.c.bid), else_=prices.c.ask)


def unrealized_pnl() -> ColumnElement[Any]:
    """Signed notional at the exit price less that at entry; in NUMERIC, so that no price can overflow it."""
    move = case(
        (positions.c.side == "long", prices.c.bid - positions.c.entry_price),
        else_=positions.c.entry_price - prices.c.ask,
    )
    return cast(move, Numeric) * positions.c.quantity * instruments.c.tick_value
