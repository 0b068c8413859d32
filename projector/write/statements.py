"""What a batch asks of PostgreSQL besides COPY: each statement put together once, and its rows one parameter."""

from typing import Any, Final

from sqlalchemy import JSON, Column, Table, Text, Update, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.sql.selectable import TableValuedAlias

from projector.tables.ledger_tables import accounts, commands, insurance, positions, progress
from projector.tables.rows import CloseChange, ReductionChange, StopsChange, StoredAccount

NamedRow = StopsChange | ReductionChange | CloseChange | StoredAccount


def _given(like: Table, row: type[NamedRow]) -> TableValuedAlias:
    """Take rows as one parameter, which is JSON. A temporary table would have to be emptied at each commit."""
    columns = [Column(name, like.c[name].type) for name in row._fields]
    parameter = cast(bindparam("rows", type_=Text), JSON)
    return func.json_to_recordset(parameter).table_valued(*columns).render_derived(name="given", with_types=True)


def _change_positions(row: type[NamedRow], **also: str) -> Update:
    """Take the given values over; a result is added to that of the parts which were closed before."""
    given = _given(positions, row)
    values: dict[str, Any] = {column.name: column for column in given.c if column.name != "position_id"}
    if "realized_pnl" in values:
        values["realized_pnl"] = func.coalesce(positions.c.realized_pnl, 0) + given.c.realized_pnl
    return positions.update().where(positions.c.position_id == given.c.position_id).values(also | values)


def _merge_accounts() -> Insert:
    """Add the given rows; they replace those that are there."""
    given = _given(accounts, StoredAccount)
    statement = insert(accounts).from_select(StoredAccount._fields, select(given))
    moved = {name: statement.excluded[name] for name in StoredAccount._fields if name != "account_id"}
    return statement.on_conflict_do_update(index_elements=["account_id"], set_=moved)


def _replace(table: Table, *moved: str) -> Insert:
    """Add a shard's row; where there is one, these columns of it are replaced."""
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=["shard"], set_={name: statement.excluded[name] for name in moved}
    )


AMEND_STOPS: Final = _change_positions(StopsChange)
REDUCE: Final = _change_positions(ReductionChange)
CLOSE: Final = _change_positions(CloseChange, status="closed")
MERGE_ACCOUNTS: Final = _merge_accounts()
REPLACE_INSURANCE: Final = _replace(insurance, "received", "paid", "written_off")
MOVE_ON: Final = _replace(progress, "seq", "next_offset", "digest", "time")
CONFIRM: Final = _replace(progress, "seq", "next_offset", "digest", "time", "current_at")
KNOWN_COMMANDS: Final = select(commands.c.command_id, commands.c.account_id, commands.c.command_hash).where(
    commands.c.command_id == func.any(bindparam("ids", type_=ARRAY(Text)))
)
DELETE_COMMAND: Final = commands.delete().where(
    commands.c.command_id == bindparam("command"), commands.c.account_id.is_not_distinct_from(bindparam("account"))
)
