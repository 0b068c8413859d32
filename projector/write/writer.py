"""How a batch of events becomes rows in PostgreSQL: one transaction with the checkpoint, whole or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, Update, func, select
from sqlalchemy.dialects.postgresql import Insert

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
from projector.tables.rows import StoredInsurance, StoredOutcome, StoredProgress
from projector.write.alert_writer import trigger_alerts
from projector.write.chain import ChainEntry, Checkpoint, first_checkpoint, new_entries
from projector.write.market_rows import MarketRows, Price
from projector.write.market_writer import write_market
from projector.write.rows import Books, Rows
from projector.write.statements import (
    AMEND_STOPS,
    CLOSE,
    CONFIRM,
    DELETE_COMMAND,
    KNOWN_COMMANDS,
    MERGE_ACCOUNTS,
    MOVE_ON,
    REDUCE,
    REPLACE_INSURANCE,
    NamedRow,
)
from schemas.events import PositionClosed

# A row type of tables/rows.py.
Row = tuple[object, ...]


class TablesEmptied(Exception):  # No error: someone asked for a rebuild.
    """The tables are behind what this process wrote: a rebuild emptied them, and they are filled again."""


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
            funds = _insurance(db, fresh)
            rows = Rows(_books(db, fresh), MarketRows(_prices(db)), dict(funds))
            for entry in fresh:
                rows.add(entry)
            _write_rows(db, rows)
            changed = [fund._asdict() for shard, fund in rows.insurance.items() if fund != funds.get(shard)]
            if changed:
                db.execute(REPLACE_INSURANCE, changed)
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


def _insurance(db: Connection, entries: Iterable[ChainEntry]) -> dict[int, StoredInsurance]:
    """Read the funds, where there is a close that may move them."""
    if not any(isinstance(entry.event, PositionClosed) for entry in entries):
        return {}
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
    _merge(db, AMEND_STOPS, rows.stops.values())
    _merge(db, REDUCE, rows.reduced.values())
    _merge(db, CLOSE, rows.closed)
    _merge(db, MERGE_ACCOUNTS, [rows.books[account_id].row() for account_id in rows.touched])
    _write_commands(db, rows.commands)


def _write_commands(db: Connection, outcomes: dict[tuple[str, str | None], StoredOutcome]) -> None:
    """Add outcomes; where there is a final one already it stays, and another gives way."""
    if not outcomes:
        return
    known = db.execute(KNOWN_COMMANDS, {"ids": [command_id for command_id, _ in outcomes]})
    is_final = {(row.command_id, row.account_id): row.command_hash is not None for row in known}
    replaced = [key for key in outcomes if is_final.get(key) is False]
    if replaced:
        db.execute(DELETE_COMMAND, [{"command": command, "account": account} for command, account in replaced])
    _copy(db, commands, [row for key, row in outcomes.items() if not is_final.get(key)])


def _write_checkpoints(db: Connection, moved: dict[int, Checkpoint], current: Mapping[int, int] | None = None) -> None:
    if not moved:
        return
    times = current or {}
    db.execute(
        CONFIRM if times else MOVE_ON,
        [
            StoredProgress(shard=shard, current_at=times.get(shard, 0), **checkpoint._asdict())._asdict()
            for shard, checkpoint in moved.items()
        ],
    )


def _merge(db: Connection, statement: Update | Insert, rows: Collection[NamedRow]) -> None:
    if rows:
        db.execute(statement, {"rows": msgspec.json.encode([row._asdict() for row in rows]).decode()})


def _copy(db: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Send rows, tuples in the order of the table's columns, through COPY: ten times as fast as INSERT."""
    if not rows:
        return
    connection: Any = db.connection.dbapi_connection  # psycopg's own, beneath SQLAlchemy
    columns = ", ".join(f'"{name}"' for name in table.c.keys())  # noqa: SIM118
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
