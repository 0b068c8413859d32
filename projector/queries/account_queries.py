"""How an account and its positions stand, at the prices at which each would close."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Select, case, func, select, true, tuple_

from projector.queries.answers import AccountRow, AccountSummary, Page, PositionRow, page_of
from projector.queries.valuation import exit_price, priced_positions, unrealized_pnl
from projector.tables.ledger_tables import accounts as accounts_table
from projector.tables.ledger_tables import positions as positions_table


def account(db: Connection, account_id: str) -> AccountRow | None:
    """Give an account with its unrealised profit, or null before its AccountOpened was projected."""
    unrealized = (
        select(func.coalesce(func.sum(unrealized_pnl()), 0))
        .select_from(priced_positions())
        .where(positions_table.c.account_id == account_id, positions_table.c.status == "open")
        .scalar_subquery()
    )
    found = db.execute(
        select(accounts_table, unrealized.label("unrealized_pnl")).where(accounts_table.c.account_id == account_id)
    )
    row = found.mappings().one_or_none()
    return None if row is None else AccountRow(**dict(row) | {"unrealized_pnl": int(row["unrealized_pnl"])})


def account_summaries(
    db: Connection, *, account_id: str | None = None, limit: int = 50, before: tuple[int, str] | None = None
) -> list[AccountSummary]:
    """List all accounts, the last opened first, and one more than the limit where more follow.

    before: when an account was opened, and its id, as of the last of the page before.
    """
    columns = accounts_table.c
    place = tuple_(columns.opened_at, columns.account_id)
    page = select(accounts_table).order_by(columns.opened_at.desc(), columns.account_id.desc()).limit(limit + 1)
    if account_id is not None:
        page = page.where(columns.account_id == account_id)
    if before is not None:
        page = page.where(place < tuple_(*before))
    listed = page.subquery()
    held = (
        select(func.count().label("open_positions"), func.coalesce(func.sum(unrealized_pnl()), 0).label("profit"))
        .select_from(priced_positions())
        .where(positions_table.c.account_id == listed.c.account_id, positions_table.c.status == "open")
        .lateral()
    )
    query = (
        select(*(listed.c[name] for name in AccountSummary._fields[:4]), held.c.open_positions, held.c.profit)
        .join_from(listed, held, true())
        .order_by(listed.c.opened_at.desc(), listed.c.account_id.desc())
    )
    return [AccountSummary(*row[:5], int(row[5])) for row in db.execute(query)]


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
    query = _positions().where(positions_table.c.account_id == account_id)
    if status != "all":
        query = query.where(positions_table.c.status == status)
    if symbol is not None:
        query = query.where(positions_table.c.symbol == symbol)
    if before is not None:
        query = query.where(positions_table.c.opened_seq < before)
    found = db.execute(query.order_by(positions_table.c.opened_seq.desc()).limit(limit + 1))
    items = [_position(row) for row in found.mappings()]
    return page_of(items, limit, [row.opened_seq for row in items])


def open_positions(db: Connection, account_id: str) -> list[PositionRow]:
    """List all of an account's open positions, the last opened first."""
    query = _positions().where(positions_table.c.account_id == account_id, positions_table.c.status == "open")
    return [_position(row) for row in db.execute(query.order_by(positions_table.c.opened_seq.desc())).mappings()]


def position(db: Connection, account_id: str, position_id: str) -> PositionRow | None:
    """Give one of the account's positions, open or closed."""
    query = _positions().where(positions_table.c.account_id == account_id, positions_table.c.position_id == position_id)
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else _position(row)


def positions_of_receipts(db: Connection, account_id: str, receipt_ids: Sequence[str]) -> list[PositionRow]:
    """Give the account's positions that were closed with these receipts, the oldest first."""
    query = _positions().where(
        positions_table.c.account_id == account_id, positions_table.c.receipt_id.in_(receipt_ids)
    )
    return [_position(row) for row in db.execute(query.order_by(positions_table.c.opened_seq)).mappings()]


def open_position_count(db: Connection) -> int:
    """Count the open positions of all accounts."""
    query = select(func.count()).select_from(positions_table).where(positions_table.c.status == "open")
    return int(db.execute(query).scalar_one())


def _positions() -> Select[Any]:
    is_open = positions_table.c.status == "open"
    return select(
        *(column for column in positions_table.c if column.name != "shard"),
        case((is_open, exit_price())).label("exit_price"),
        case((is_open, unrealized_pnl())).label("unrealized_pnl"),
    ).select_from(priced_positions())


def _position(row: Any) -> PositionRow:
    unrealized = row["unrealized_pnl"]
    return PositionRow(**dict(row) | {"unrealized_pnl": None if unrealized is None else int(unrealized)})
