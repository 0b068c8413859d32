"""How a batch of events becomes rows in PostgreSQL: one transaction with the checkpoint, whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, MetaData, Table, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.schema import CreateTable

from projector.database import WRITE_LOCK, hold_until_commit
from projector.tables.ledger_tables import (
    account_events,
    accounts,
    commands,
    fills,
    insurance,
    ledger_entries,
    positions,
    progress,
    receipts,
)
from projector.tables.market_tables import prices
from projector.tables.rows import (
    CloseChange,
    ReductionChange,
    StopsChange,
    StoredAccount,
    StoredInsurance,
    StoredOutcome,
    StoredProgress,
)
from projector.write.alert_writer import trigger_alerts
from projector.write.chain import ChainEntry, Checkpoint, first_checkpoint, new_entries
from projector.write.market_rows import MarketRows, Price
from projector.write.market_writer import write_market
from projector.write.rows import Books, Rows

STAGES: Final = MetaData()

# A row type of tables/rows.py.
Row = tuple[object, ...]


class TablesEmptied(Exception):  # No error: someone asked for a rebuild.
    """The tables are behind what this process wrote: a rebuild emptied them, and they are filled again."""


def _stage(name: str, of: Table, columns: Sequence[str]) -> Table:
    """Make a temporary table that COPY fills, and from which rows are merged; it is empty after each transaction."""
    return Table(
        name,
        STAGES,
        *(Column(column, of.c[column].type) for column in columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DELETE ROWS",
    )


_accounts = _stage("staged_accounts", accounts, StoredAccount._fields)
_commands = _stage("staged_commands", commands, StoredOutcome._fields)
_stops = _stage("staged_stops", positions, StopsChange._fields)
_reduced = _stage(
    "staged_reductions",
    positions,
    ReductionChange._fields,
)
_closed = _stage(
    "staged_closes",
    positions,
    CloseChange._fields,
)


class Writer:
    """Writes batches; `checkpoints` say how far each shard is, as of the last transaction."""

    def __init__(self, engine: Engine, shards: int) -> None:
        self._engine = engine
        self.checkpoints = {shard: first_checkpoint(shard) for shard in range(shards)}

    def load(self) -> None:
        """Read how far the tables are."""
        with self._engine.begin() as db:
            self.checkpoints = self._stored(db)

    def write(self, entries: Sequence[ChainEntry]) -> int:
        """Write what is new of these entries, and give its count.

        Repeatable: what a lost answer left in doubt is found in the tables and left out. Raises BrokenLogError, or
        TablesEmptied when the tables were emptied meanwhile; then nothing is written.
        """
        with self._engine.begin() as db:
            moved = self._locked(db)
            fresh = list(new_entries(moved, entries))
            funds = _insurance(db)
            rows = Rows(_books(db, fresh), MarketRows(_prices(db)), dict(funds))
            for entry in fresh:
                rows.add(entry)
            _write_rows(db, rows)
            _write_insurance(db, [fund for shard, fund in rows.insurance.items() if fund != funds.get(shard)])
            write_market(db, rows.market)
            _write_checkpoints(db, {entry.shard: moved[entry.shard] for entry in fresh})
            trigger_alerts(db, rows.market.spans)  # Last: whoever makes an alert meanwhile relies on it.
        self.checkpoints = moved
        return len(fresh)

    def confirm(self, current: Mapping[int, int]) -> None:
        """Say of these shards at what time (µs, this machine's clock) the tables held all that was committed then."""
        with self._engine.begin() as db:
            stored = self._locked(db)
            _write_checkpoints(db, {shard: stored[shard] for shard in current}, current)
        self.checkpoints = stored

    def _locked(self, db: Connection) -> dict[int, Checkpoint]:
        """Keep other writers out until the end of the transaction, and read how far the tables are."""
        hold_until_commit(db, WRITE_LOCK)
        stored = self._stored(db)
        if any(stored[shard].seq < known.seq for shard, known in self.checkpoints.items()):
            self.checkpoints = stored
            raise TablesEmptied
        return stored

    def _stored(self, db: Connection) -> dict[int, Checkpoint]:
        columns = progress.c
        found = db.execute(select(columns.shard, columns.seq, columns.next_offset, columns.digest, columns.time))
        stored = {shard: Checkpoint(seq, next_offset, digest, time) for shard, seq, next_offset, digest, time in found}
        return {shard: stored.get(shard) or first_checkpoint(shard) for shard in self.checkpoints}


def _books(db: Connection, entries: Iterable[ChainEntry]) -> dict[str, Books]:
    """Read the accounts these events are about, as they are before them."""
    wanted = {entry.event.account_id for entry in entries if entry.event.account_seq is not None}
    if not wanted:
        return {}
    columns = accounts.c
    found = db.execute(
        select(
            columns.account_id,
            columns.shard,
            columns.cash,
            columns.used_margin,
            columns.opened_at,
            columns.account_seq,
        ).where(columns.account_id == func.any(list(wanted)))
    )
    return {row.account_id: Books(**row._mapping) for row in found}  # noqa: SLF001  # Its public name in SQLAlchemy.


def _insurance(db: Connection) -> dict[int, StoredInsurance]:
    return {row.shard: StoredInsurance(*row) for row in db.execute(select(insurance))}


def _prices(db: Connection) -> dict[str, Price]:
    return {row["symbol"]: Price(**row) for row in db.execute(select(prices)).mappings()}


def _write_rows(db: Connection, rows: Rows) -> None:
    """Add what is new, and merge what may be there; a position may be opened, amended and closed in one batch."""
    _copy(db, positions, rows.opened)
    _copy(db, fills, rows.fills)
    _copy(db, ledger_entries, rows.ledger)
    _copy(db, receipts, rows.receipts)
    _copy(db, account_events, rows.history)
    if rows.stops:
        _fill_stage(db, _stops, rows.stops.values())
        db.execute(
            positions.update()
            .where(positions.c.position_id == _stops.c.position_id)
            .values(stop_loss=_stops.c.stop_loss, take_profit=_stops.c.take_profit)
        )
    if rows.reduced:
        _fill_stage(db, _reduced, rows.reduced.values())
        _change_positions(db, _reduced)
    if rows.closed:
        _fill_stage(db, _closed, rows.closed)
        _change_positions(db, _closed, status="closed")
    if rows.touched:
        _fill_stage(db, _accounts, (rows.books[account_id].row() for account_id in rows.touched))
        db.execute(_merged(accounts, _accounts, ["account_id"]))
    if rows.commands:
        _fill_stage(db, _commands, rows.commands.values())
        merge = _merged(commands, _commands, ["command_id", "account_id"], where=commands.c.command_hash.is_(None))
        db.execute(merge)


def _change_positions(db: Connection, stage: Table, **also: str) -> None:
    """Take the staged values over; a result is added to that of the parts which were closed before."""
    values: dict[str, Any] = {column.name: column for column in stage.c if column.name != "position_id"}
    values["realized_pnl"] = func.coalesce(positions.c.realized_pnl, 0) + stage.c.realized_pnl
    db.execute(positions.update().where(positions.c.position_id == stage.c.position_id).values(also | values))


def _merged(into: Table, stage: Table, key: list[str], where: Any = None) -> Insert:
    """Insert the staged rows; where the key is there already, they replace what is (if `where` holds)."""
    statement = insert(into).from_select(stage.c.keys(), select(stage))
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={name: statement.excluded[name] for name in stage.c.keys() if name not in key},  # noqa: SIM118
        where=where,
    )


def _write_insurance(db: Connection, rows: Sequence[StoredInsurance]) -> None:
    if not rows:
        return
    statement = insert(insurance).values([row._asdict() for row in rows])
    moved = {name: statement.excluded[name] for name in ("received", "paid", "written_off")}
    db.execute(statement.on_conflict_do_update(index_elements=["shard"], set_=moved))


def _write_checkpoints(db: Connection, moved: dict[int, Checkpoint], current: Mapping[int, int] | None = None) -> None:
    if not moved:
        return
    times = current or {}
    statement = insert(progress).values(
        [
            StoredProgress(shard=shard, current_at=times.get(shard, 0), **checkpoint._asdict())._asdict()
            for shard, checkpoint in moved.items()
        ]
    )
    replaced = ["seq", "next_offset", "digest", "time", *(["current_at"] if times else [])]
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["shard"], set_={name: statement.excluded[name] for name in replaced}
        )
    )


def _fill_stage(db: Connection, stage: Table, rows: Iterable[Row]) -> None:
    """Copy rows into a temporary table, made when this connection first needs it."""
    db.execute(CreateTable(stage, if_not_exists=True))
    _copy(db, stage, rows)


def _copy(db: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Send rows, tuples in the order of the table's columns, through COPY: ten times as fast as INSERT."""
    rows = list(rows)
    if not rows:
        return
    connection: Any = db.connection.dbapi_connection  # psycopg's own, beneath SQLAlchemy
    columns = ", ".join(f'"{name}"' for name in table.c.keys())  # noqa: SIM118
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
