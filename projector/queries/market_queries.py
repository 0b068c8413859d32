"""What the projection knows of the market: instruments, last prices, candles, the feed."""

from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import BigInteger, Connection, FromClause, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from projector.tables.kept_tables import candle_history as history_table
from projector.tables.market_tables import candles as candles_table
from projector.tables.market_tables import feed as feed_table
from projector.tables.market_tables import instruments as instruments_table
from projector.tables.market_tables import prices as prices_table
from schemas.derived import PriceState, price_state
from schemas.messages import Instrument, MarketStatus
from schemas.units import DAY, MINUTE
from schemas.words import FeedName

Interval = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]

INTERVALS: Final[dict[str, int]] = {
    "1m": MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "4h": 240 * MINUTE,
    "1d": DAY,
    "1w": 7 * DAY,
}
MONDAY: Final = 4 * DAY  # 1970 began on a Thursday; weeks begin on Mondays


class InstrumentRow(NamedTuple):
    """An instrument and whether its market is open."""

    instrument: Instrument
    status: MarketStatus


class FeedRow(NamedTuple):
    """The feed last selected in shard 0."""

    name: FeedName
    run: str
    live: bool
    selected_at: int


class PriceRow(NamedTuple):
    """Shard 0's price of a symbol, in ticks; bid and ask are null while none was accepted.

    accepted_at: log time of the last accepted tick; heard_at: of that or a later alive mark. feed: of the accepted
    tick. feed_changed: another feed was selected since. held_…: the candidate that waits for confirmation.
    """

    symbol: str
    bid: int | None
    ask: int | None
    source_time: int | None
    accepted_at: int | None
    heard_at: int | None
    feed: FeedName | None
    feed_changed: bool
    held_bid: int | None
    held_ask: int | None
    held_at: int | None


class CandleRow(NamedTuple):
    """Prices are of bid + ask in ticks, twice the mid: `units.render(price * 5, tick_exponent + 1)`. start: µs.

    ticks: accepted ones; none where the candle is of before the first tick. source: of its last minute.
    """

    symbol: str
    interval: Interval
    start: int
    open: int
    high: int
    low: int
    close: int
    ticks: int
    closed: bool
    source: FeedName


class DayStats(NamedTuple):
    """The last 24 hours, of bid + ask in ticks as in CandleRow. open: the price 24 hours ago, or the first since."""

    symbol: str
    open: int
    high: int
    low: int
    last: int


def instruments(db: Connection) -> list[InstrumentRow]:
    """List the instruments in the order they were defined."""
    found = db.execute(select(instruments_table).order_by(instruments_table.c.ordinal)).mappings()
    rows = []
    for row in found:
        fields = dict(row)
        status = fields.pop("status")
        del fields["ordinal"]
        rows.append(InstrumentRow(Instrument(**fields), status))
    return rows


def last_feed(db: Connection) -> FeedRow | None:
    """Give the feed whose prices count, or null before the first was selected."""
    columns = feed_table.c
    found = db.execute(select(columns.name, columns.run, columns.live, columns.selected_at)).one_or_none()
    return None if found is None else FeedRow(*found)


def last_prices(db: Connection) -> dict[str, PriceRow]:
    """Give shard 0's price of each symbol of which any tick was accepted or held."""
    return {row.symbol: PriceRow(*row) for row in db.execute(select(prices_table))}


def price_state_of(price: PriceRow | None, now: int) -> PriceState:
    """Say what a price is worth at a time (µs)."""
    if price is None:
        return "none"
    return price_state(price.heard_at, now, held_at=price.held_at, feed_changed=price.feed_changed)


def candle_start(interval: Interval, time: int) -> int:
    """Give when the candle begins that a time (µs) lies in."""
    length, phase = INTERVALS[interval], MONDAY if interval == "1w" else 0
    return (time - phase) // length * length + phase


def candle_end(interval: Interval, start: int) -> int:
    """Give when a candle is over (µs)."""
    return start + INTERVALS[interval]


def candles(
    db: Connection, symbol: str, interval: Interval, start: int, end: int, *, now: int, limit: int = 500
) -> list[CandleRow]:
    """List the candles that begin in [start, end), newest first, folded from minutes. Times in µs UTC.

    The first is whole even when `start` lies inside it. now: by which `closed` is told. Before a symbol's first candle
    the minutes are those of its history.
    """
    length = INTERVALS[interval]
    phase = MONDAY if interval == "1w" else 0
    first = (start - phase) // length * length + phase
    minutes = _minutes(symbol, first, _last_end(end, length, phase), limit * length // MINUTE)
    columns = minutes.c
    bucket = (func.div(columns.start - phase, length) * length + phase).cast(BigInteger)
    query = (
        select(
            bucket.label("bucket"),
            _at_edge(columns.open, columns.start.asc()),
            func.max(columns.high),
            func.min(columns.low),
            _at_edge(columns.close, columns.start.desc()),
            func.sum(columns.ticks).cast(BigInteger),
            _at_edge(columns.source, columns.start.desc()),
        )
        .group_by("bucket")
        .order_by(bucket.desc())
        .limit(limit)
    )
    return [
        CandleRow(symbol, interval, begin, opened, high, low, close, ticks, begin + length <= now, source)
        for begin, opened, high, low, close, ticks, source in db.execute(query)
    ]


def day_stats(db: Connection, now: int) -> dict[str, DayStats]:
    """Give each symbol's last 24 hours, to the minute; a symbol without a tick in them is missing."""
    since = (now - DAY) // MINUTE * MINUTE
    symbols = [symbol for (symbol,) in db.execute(select(instruments_table.c.symbol))]
    found = {}
    for symbol in symbols:
        columns = _minutes(symbol, since, now + DAY, 2 * DAY // MINUTE).c
        today = select(
            _at_edge(columns.open, columns.start.asc()),
            func.max(columns.high),
            func.min(columns.low),
            _at_edge(columns.close, columns.start.desc()),
            func.sum(columns.ticks),
        )
        opened, high, low, last, ticks = db.execute(today).one()
        if ticks:
            before = db.execute(select(_minutes(symbol, since - DAY, since, 1).c.close)).scalar_one_or_none()
            found[symbol] = DayStats(symbol, opened if before is None else before, high, low, last)
    return found


def _minutes(symbol: str, start: int, end: int, limit: int) -> FromClause:
    """A symbol's newest minutes that begin in [start, end): the ledger's, and before its first those of its history.

    The limit keeps a question about the newest candles from reading all there ever were.
    """
    ledger, history = candles_table.c, history_table.c
    first = select(func.min(ledger.start)).where(ledger.symbol == symbol).scalar_subquery()
    own = select(ledger.start, ledger.open, ledger.high, ledger.low, ledger.close, ledger.ticks, ledger.source).where(
        ledger.symbol == symbol, ledger.start >= start, ledger.start < end
    )
    earlier = select(
        history.start,
        history.open,
        history.high,
        history.low,
        history.close,
        literal(0, BigInteger).label("ticks"),
        history.source,
    ).where(history.symbol == symbol, history.start >= start, history.start < func.least(end, first))
    both = union_all(own, earlier).subquery()
    return select(both).order_by(both.c.start.desc()).limit(limit).subquery()


def _last_end(end: int, length: int, phase: int) -> int:
    """Where the last candle that begins before `end` is over."""
    return -((phase - end) // length) * length + phase


def _at_edge(value: Any, order: Any) -> Any:
    """The value at one end of the group."""
    return func.array_agg(aggregate_order_by(value, order))[1]
