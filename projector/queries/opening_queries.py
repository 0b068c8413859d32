"""What an opening depends on: how the account stands, how much is open in the market, what was decided lately."""

from typing import Final, NamedTuple, get_args

from sqlalchemy import Connection, and_, func, select

from projector.tables.ledger_tables import account_events, accounts, commands, positions
from schemas.events import Event
from schemas.plain_data import from_builtins

OUTCOMES_MAX: Final = 5_000
_KINDS: Final = {kind.__name__: kind for kind in get_args(Event)}


class OpeningFigures(NamedTuple):
    """Micros, at entry. long_notional, short_notional: of all accounts of the shard; the others are the account's."""

    cash: int
    account_notional: int
    open_positions: int
    long_notional: int
    short_notional: int


def opening_figures(db: Connection, account_id: str, symbol: str) -> OpeningFigures | None:
    """Give what limits an opening in a market, or null before the account was projected."""
    account = db.execute(select(accounts.c.cash, accounts.c.shard).where(accounts.c.account_id == account_id)).first()
    if account is None:
        return None
    cash, shard = account
    columns = positions.c
    is_open, is_here = columns.status == "open", columns.symbol == symbol
    own = select(
        func.coalesce(func.sum(columns.entry_notional).filter(is_here), 0), func.count(columns.position_id)
    ).where(columns.account_id == account_id, is_open)
    notional, count = db.execute(own).one()
    sides = select(columns.side, func.sum(columns.entry_notional)).where(is_open, is_here, columns.shard == shard)
    by_side = {side: int(total) for side, total in db.execute(sides.group_by(columns.side))}
    return OpeningFigures(int(cash), int(notional), int(count), by_side.get("long", 0), by_side.get("short", 0))


def recent_outcomes(db: Connection, account_id: str, since: int) -> list[Event]:
    """Give the outcomes of an account's commands whose ids were remembered after a log time (µs), the oldest first."""
    table = account_events.c
    newest = (
        select(table.account_seq, table.type, table.event, table.time)
        .where(table.account_id == account_id)
        .order_by(table.account_seq.desc())
        .limit(OUTCOMES_MAX)
        .subquery()
    )
    is_outcome = and_(newest.c.time > since, newest.c.event["command_hash"].astext.is_not(None))
    rows = db.execute(select(newest.c.type, newest.c.event).where(is_outcome).order_by(newest.c.account_seq))
    return [from_builtins(event, _KINDS[kind]) for kind, event in rows]


def client_order_id_used_at(db: Connection, account_id: str, client_order_id: str) -> int | None:
    """Give when (µs of log time) a client order id last opened a position."""
    columns = commands.c
    query = select(func.max(columns.time)).where(
        columns.account_id == account_id, columns.client_order_id == client_order_id, columns.status == "done"
    )
    used_at = db.execute(query).scalar_one()
    return None if used_at is None else int(used_at)
