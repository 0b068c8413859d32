"""How an account and its positions stand, at the prices at which each would close. The API imports `queries`."""

from typing import Any, Literal

from sqlalchemy import Connection, Select, case, func, select

from projector import tables
from projector.answers import AccountRow, Page, PositionRow, page_of
from projector.valuation import exit_price, priced_positions, unrealized_pnl


def account(db: Connection, account_id: str) -> AccountRow | None:
    """Give an account with its unrealised profit, or null before its AccountOpened was projected."""
    unrealized = (
        select(func.coalesce(func.sum(unrealized_pnl()), 0))
        .select_from(priced_positions())
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


def _positions() -> Select[Any]:
    is_open = tables.positions.c.status == "open"
    return select(
        *(column for column in tables.positions.c if column.name != "shard"),
        case((is_open, exit_price())).label("exit_price"),
        case((is_open, unrealized_pnl())).label("unrealized_pnl"),
    ).select_from(priced_positions())


def _position(row: Any) -> PositionRow:
    unrealized = row["unrealized_pnl"]
    return PositionRow(**dict(row) | {"unrealized_pnl": None if unrealized is None else int(unrealized)})
