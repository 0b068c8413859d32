"""How minutes before a symbol's first candle are stored: whole or not at all, and once."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, exists, select

from projector.database import HISTORY_LOCK, hold_until_commit
from projector.tables.kept_tables import candle_history
from projector.tables.market_tables import candles
from schemas.words import FeedName

HistoryRow = tuple[int, int, int, int, int]  # start (µs), open, high, low, close; prices of bid + ask in ticks


class FirstCandle(NamedTuple):
    """Where a symbol's ledger begins: its first minute (µs), and what opened it: bid + ask in ticks, of which feed."""

    symbol: str
    start: int
    open: int
    source: FeedName


class NotBefore(ValueError):
    """A minute that is not before the symbol's first candle, or a symbol that has none."""


def first_candle(db: Connection, symbol: str) -> FirstCandle | None:
    """Give a symbol's first candle, if it has any. It stays the first: candles follow the log."""
    columns = candles.c
    query = (
        select(columns.symbol, columns.start, columns.open, columns.source)
        .where(columns.symbol == symbol)
        .order_by(columns.start)
        .limit(1)
    )
    found = db.execute(query).one_or_none()
    return None if found is None else FirstCandle(*found)


def has_history(db: Connection, symbol: str) -> bool:
    """Whether a symbol's minutes before its first candle were written."""
    return bool(db.execute(select(exists().where(candle_history.c.symbol == symbol))).scalar_one())


def write_history(engine: Engine, symbol: str, source: FeedName, minutes: Iterable[HistoryRow]) -> int:
    """Write a symbol's minutes in one transaction, and give their count: 0 when it had some already.

    Repeatable, and several may try at once. NotBefore, with nothing written, where a minute is the ledger's own.
    """
    with engine.begin() as db:
        hold_until_commit(db, HISTORY_LOCK)
        if has_history(db, symbol):
            return 0
        first = first_candle(db, symbol)
        connection: Any = db.connection.dbapi_connection  # psycopg's own, beneath SQLAlchemy
        count = 0
        with connection.cursor() as cursor, cursor.copy(f"COPY {candle_history.fullname} FROM STDIN") as copy:
            for minute in minutes:
                if first is None or minute[0] >= first.start:
                    raise NotBefore(f"the minute {minute[0]} of {symbol} is not before its first candle")
                copy.write_row((symbol, *minute, source))
                count += 1
    return count
