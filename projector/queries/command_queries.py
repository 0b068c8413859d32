"""What became of an account's commands, and what its orders opened; a position changes afterwards, an order never."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import ARRAY, Connection, Select, Text, and_, any_, bindparam, select

from projector.queries.answers import CommandRow, Page, page_of
from projector.tables.ledger_tables import account_events as account_events_table
from projector.tables.ledger_tables import commands as commands_table
from projector.tables.ledger_tables import progress as progress_table
from schemas.events import PositionOpened
from schemas.ids import event_id
from schemas.plain_data import from_builtins


def command(db: Connection, account_id: str | None, command_id: str) -> CommandRow | None:
    """Give a command's outcome. account_id: null for a broadcast's command."""
    owner = commands_table.c.account_id.is_(None) if account_id is None else commands_table.c.account_id == account_id
    return _one_command(db, select(commands_table).where(commands_table.c.command_id == command_id, owner))


def commands(db: Connection, account_id: str, command_ids: Sequence[str]) -> dict[str, CommandRow]:
    """Give the outcomes of those of an account's commands that have one, by id."""
    table = commands_table.c
    query = select(commands_table).where(table.account_id == account_id, table.command_id.in_(command_ids))
    return {row["command_id"]: _command(row) for row in db.execute(query).mappings()}


def commands_by_id(db: Connection, command_ids: Sequence[str]) -> tuple[list[CommandRow], dict[int, int]]:
    """Give the outcomes of commands, and when (µs) the tables last had all of each shard: both of one moment.

    Two commands of different accounts may have one id. A shard without any event yet has no time.
    """
    wanted = commands_table.c.command_id == any_(bindparam("command_ids", list(command_ids), type_=ARRAY(Text)))
    of_shard = and_(commands_table.c.shard == progress_table.c.shard, wanted)
    query = select(progress_table.c.shard.label("of"), progress_table.c.current_at, commands_table).select_from(
        progress_table.outerjoin(commands_table, of_shard)
    )
    rows: list[CommandRow] = []
    current_at: dict[int, int] = {}
    for found in db.execute(query).mappings():
        row = dict(found)
        current_at[row.pop("of")] = row.pop("current_at")
        if row["command_id"] is not None:
            rows.append(_command(row))
    return rows, current_at


def command_by_client_order_id(db: Connection, account_id: str, client_order_id: str) -> CommandRow | None:
    """Give the first order that opened a position under this client order id."""
    query = (
        select(commands_table)
        .where(
            commands_table.c.account_id == account_id,
            commands_table.c.client_order_id == client_order_id,
        )
        .order_by(commands_table.c.seq)
        .limit(1)
    )
    return _one_command(db, query)


def orders(
    db: Connection,
    account_id: str,
    *,
    status: Literal["done", "rejected"] | None = None,
    limit: int = 50,
    before: int | None = None,
) -> Page[tuple[CommandRow, PositionOpened | None]]:
    """List the outcomes of an account's orders, each with the event of its opening, null where it was refused."""
    table = commands_table.c
    query = select(commands_table).where(table.account_id == account_id, table.type == "OpenPosition")
    if status is not None:
        query = query.where(table.status == status)
    if before is not None:
        query = query.where(table.seq < before)
    rows = db.execute(query.order_by(table.seq.desc()).limit(limit + 1)).mappings().all()
    found = [_command(row) for row in rows]
    opened = _openings(db, account_id, [row.seq for row in found if row.status == "done"])
    return page_of([(row, opened.get(row.seq)) for row in found], limit, [row.seq for row in found])


def opening(db: Connection, account_id: str, seq: int) -> PositionOpened | None:
    """Give the event of this number, if it opened a position of this account."""
    return _openings(db, account_id, [seq]).get(seq)


def _one_command(db: Connection, query: Select[Any]) -> CommandRow | None:
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else _command(row)


def _command(row: Any) -> CommandRow:
    return CommandRow(event_id=event_id(row["shard"], row["seq"]), **row)


def _openings(db: Connection, account_id: str, seqs: Sequence[int]) -> dict[int, PositionOpened]:
    if not seqs:
        return {}
    table = account_events_table.c
    query = select(table.seq, table.event).where(
        table.account_id == account_id, table.type == PositionOpened.__name__, table.seq.in_(seqs)
    )
    return {seq: from_builtins(event, PositionOpened) for seq, event in db.execute(query)}
