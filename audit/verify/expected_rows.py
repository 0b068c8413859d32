"""Which rows a shard's events must have led to, by the projector's own row functions; all of them in memory."""

from typing import Any, Final

import msgspec
from sqlalchemy import Table

from projector.tables.schema import DERIVED
from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.rows import Rows
from schemas.sharding import PRICE_SHARD

Key = tuple[object, ...]
Row = list[object]
Content = dict[str, dict[Key, Row]]

# By what a row is found again. The tables of the market follow from one shard alone.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "progress": ("shard",),
    "accounts": ("account_id",),
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
COLUMNS: Final[dict[str, list[str]]] = {name: list(table.c.keys()) for name, table in TABLES.items()}


class ExpectedRows:
    """Takes in a shard's events one by one."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._rows = Rows({}, MarketRows({}))
        self._positions: dict[str, Row] = {}
        self._plain: Content = {"fills": {}, "ledger_entries": {}, "receipts": {}, "account_events": {}}

    def add(self, entry: ChainEntry) -> None:
        """Take in the next event."""
        rows = self._rows
        rows.add(entry)
        if rows.opened:
            for opened in _drained(rows.opened):
                self._positions[str(opened[0])] = list(opened)
        if rows.stops:
            for name, values in rows.stops.items():
                _set(self._positions[name], ("stop_loss", "take_profit"), values[1:])
            rows.stops.clear()
        if rows.reduced:
            for name, reduced in rows.reduced.items():
                row = self._positions[name]
                changed = reduced._replace(realized_pnl=reduced.realized_pnl + _realized(row))
                _set(row, changed._fields, changed)
            rows.reduced.clear()
        if rows.closed:
            for name, *values in _drained(rows.closed):
                row = self._positions[str(name)]
                values[1] += _realized(row)
                _set(row, ("close_price", "realized_pnl", "close_reason", "closed_at", "receipt_id"), values)
                _set(row, ("status",), ("closed",))
        for table, found in (
            ("fills", rows.fills),
            ("ledger_entries", rows.ledger),
            ("receipts", rows.receipts),
            ("account_events", rows.history),
        ):
            if found:
                for each in _drained(found):
                    row = list(each)
                    self._plain[table][key_of(table, row)] = row

    def content(self) -> Content:
        """Give every row there must be, but for `progress`."""
        made: dict[str, list[Row]] = {
            "accounts": [
                _row("accounts", msgspec.structs.asdict(books) | {"balance": books.cash + books.used_margin})
                for books in self._rows.books.values()
            ],
            "positions": list(self._positions.values()),
            "commands": [_row("commands", outcome._asdict()) for outcome in self._rows.commands.values()],
        }
        if self._shard == PRICE_SHARD:
            made |= self._market()
        return self._plain | {table: {key_of(table, row): row for row in rows} for table, rows in made.items()}

    def _market(self) -> dict[str, list[Row]]:
        market = self._rows.market
        feed = market.feed
        return {
            "candles": [_row("candles", msgspec.structs.asdict(candle)) for candle in market.candles.values()],
            "prices": [_row("prices", msgspec.structs.asdict(price)) for price in market.prices.values()],
            "feed": []
            if feed is None
            else [
                _row(
                    "feed",
                    {"one": True, "name": feed.name, "run": feed.run, "live": feed.live, "selected_at": feed.time},
                )
            ],
            "instruments": [
                _row(
                    "instruments",
                    {"ordinal": place, "status": market.statuses.get(symbol, "open")}
                    | msgspec.structs.asdict(instrument),
                )
                for place, (symbol, instrument) in enumerate(market.instruments.items())
            ],
        }


def key_of(table: str, row: Row) -> Key:
    """Give what a row is found by."""
    columns = COLUMNS[table]
    return tuple(row[columns.index(name)] for name in KEYS[table])


def _row(table: str, fields: dict[str, Any]) -> Row:
    """Put fields in the order of the table's columns."""
    return [fields[name] for name in COLUMNS[table]]


def _realized(row: Row) -> int:
    """Give what the parts of a position that were closed before have brought."""
    realized: Any = row[COLUMNS["positions"].index("realized_pnl")]
    return realized or 0


def _set(row: Row, names: tuple[str, ...], values: Any) -> None:
    columns = COLUMNS["positions"]
    for name, value in zip(names, values, strict=True):
        row[columns.index(name)] = value


def _drained(rows: list[Any]) -> list[Any]:
    """Take all rows out of a list."""
    found = rows[:]
    rows.clear()
    return found
