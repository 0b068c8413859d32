"""How candles come from the tables."""

from datetime import datetime

from api.candles.schemas import CandleReply, Candles
from api.http.amounts import mid
from api.http.cursors import read_cursor, write_cursor
from api.http.problems import REFUSALS, ApiError, malformed
from api.http.times import now, text_of
from api.log.price_cache import PriceCache
from api.store.database import Database
from projector import queries
from runtime.times import micros_at
from schemas.messages import Instrument
from schemas.rejections import Rejection


async def page(
    database: Database,
    prices: PriceCache,
    symbol: str,
    interval: queries.Interval,
    start: datetime | None,
    end: datetime | None,
    limit: int,
    cursor: str | None,
) -> Candles:
    """List a symbol's candles that begin in [start, end)."""
    instrument = prices.instruments.get(symbol)
    if instrument is None:
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404), f"There is no instrument {symbol!r}")
    question = f"candles~{symbol}~{interval}"
    before = read_cursor(question, cursor)
    moment = now()
    first = 0 if start is None else micros_at(start)
    last = moment + 1 if end is None else micros_at(end)
    if start is not None and end is not None and first >= last:
        raise malformed("from", "must be before `to`")
    rows = await database.ask(
        lambda db: queries.candles(
            db, symbol, interval, first, last if before is None else min(last, before), now=moment, limit=limit + 1
        )
    )
    more = len(rows) > limit
    return Candles(
        items=[candle_of(row, instrument) for row in rows[:limit]],
        next_cursor=write_cursor(question, rows[limit - 1].start) if more else None,
    )


def candle_of(row: queries.CandleRow, instrument: Instrument) -> CandleReply:
    """Write a candle."""
    return CandleReply(
        symbol=row.symbol,
        interval=row.interval,
        start=text_of(row.start),
        open=mid(instrument, row.open),
        high=mid(instrument, row.high),
        low=mid(instrument, row.low),
        close=mid(instrument, row.close),
        ticks=row.ticks,
        closed=row.closed,
        source=row.source,
    )
