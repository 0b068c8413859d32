"""Which rows a shard's events must have led to, by the projector's own row functions; all of them in memory."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Table

from projector.tables.rows import (
    CloseChange,
    ReductionChange,
    StopsChange,
    StoredAccount,
    StoredFeed,
    StoredPosition,
)
from projector.tables.schema import DERIVED
from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.rows import Rows
from schemas.messages import Instrument
from schemas.record import fields_of
from schemas.sharding import PRICE_SHARD

Key = tuple[object, ...]
Row = Sequence[Any]  # in the order of the table's columns
Fields = TypeVar("Fields")
Content = dict[str, dict[Key, Row]]

# By what a row is found again. The tables of the market follow from one shard alone.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "progress": ("shard",),
    "accounts": ("account_id",),
    "insurance": ("shard",),
    "positions": ("position_id",),
    "fills": ("shard", "seq"),
    "ledger_entries": ("shard", "seq", "line"),
    "commands": ("command_id", "account_id"),
    "receipts": ("event_id",),
    "account_events": ("account_id", "account_seq"),
    "candles": ("symbol", "start"),
    "prices": ("symbol",),
    "feed": ("one",),
    "instruments": ("symbol",),
}
OF_THE_MARKET: Final = frozenset({"candles", "prices", "feed", "instruments"})
TABLES: Final[dict[str, Table]] = {table.name: table for table in DERIVED}
COLUMNS: Final[dict[str, list[str]]] = {
    # SQLAlchemy's own kind of text is none that a verdict can be written with.
    name: [str(column.key) for column in table.c]
    for name, table in TABLES.items()
}


class ExpectedRows:
    """Takes in a shard's events one by one."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._rows = Rows({}, MarketRows({}), {})
        self._positions: dict[str, StoredPosition] = {}
        self._plain: Content = {"fills": {}, "ledger_entries": {}, "receipts": {}, "account_events": {}}

    def add(self, entry: ChainEntry) -> None:
        """Take in the next event."""
        rows = self._rows
        rows.add(entry)
        if rows.opened:
            for opened in _drained(rows.opened):
                self._positions[opened.position_id] = opened
        if rows.stops:
            for stops in rows.stops.values():
                self._change_position(stops)
            rows.stops.clear()
        if rows.reduced:
            for reduced in rows.reduced.values():
                self._change_position(reduced)
            rows.reduced.clear()
        if rows.closed:
            for closed in _drained(rows.closed):
                self._change_position(closed, status="closed")
        added: tuple[tuple[str, list[Any]], ...] = (
            ("fills", rows.fills),
            ("ledger_entries", rows.ledger),
            ("receipts", rows.receipts),
            ("account_events", rows.history),
        )
        for table, found in added:
            if found:
                for row in _drained(found):
                    self._plain[table][key_of(table, row)] = row

    def content(self) -> Content:
        """Give every row there must be, but for `progress`."""
        made: dict[str, Iterable[Row]] = {
            "accounts": [
                StoredAccount(balance=books.cash + books.used_margin, **msgspec.structs.asdict(books))
                for books in self._rows.books.values()
            ],
            "insurance": self._rows.insurance.values(),
            "positions": self._positions.values(),
            "commands": self._rows.commands.values(),
        }
        if self._shard == PRICE_SHARD:
            made |= self._market()
        return self._plain | {table: {key_of(table, row): row for row in rows} for table, rows in made.items()}

    def _change_position(self, change: StopsChange | ReductionChange | CloseChange, **also: str) -> None:
        """Take a change over into a position's row; what it realized is added to what its parts have realized."""
        row = self._positions[change.position_id]
        fields = change._asdict() | also
        if not isinstance(change, StopsChange):
            fields["realized_pnl"] = (row.realized_pnl or 0) + change.realized_pnl
        self._positions[change.position_id] = row._replace(**fields)

    def _market(self) -> dict[str, Iterable[Row]]:
        market = self._rows.market
        feed = market.feed
        return {
            "candles": [msgspec.structs.astuple(candle) for candle in market.candles.values()],
            "prices": [msgspec.structs.astuple(price) for price in market.prices.values()],
            "feed": [] if feed is None else [StoredFeed(True, feed.name, feed.run, feed.live, feed.time)],
            "instruments": [
                _instrument_row(instrument, number, market.statuses.get(symbol, "open"))
                for number, (symbol, instrument) in enumerate(market.instruments.items())
            ],
        }


def key_of(table: str, row: Row) -> Key:
    """Give what a row is found by."""
    columns = COLUMNS[table]
    return tuple(row[columns.index(name)] for name in KEYS[table])


def _instrument_row(instrument: Instrument, ordinal: int, status: str) -> Row:
    fields = fields_of(instrument) | {"ordinal": ordinal, "status": status}
    return tuple(fields[name] for name in COLUMNS["instruments"])


def _drained(rows: list[Fields]) -> list[Fields]:
    """Take all rows out of a list."""
    found = rows[:]
    rows.clear()
    return found
