"""How the seeds' candles are made of ours, in their intervals and shapes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from pydantic import BaseModel

from api.app_state import AppState
from api.candles import service
from api.candles.schemas import CandleReply
from api.compat.names import instrument_named
from api.compat.replies import Digits, digits
from api.http.cursors import LIMIT_MAX
from api.http.problems import malformed
from api.http.times import text_of
from projector.queries import Interval
from runtime.times import micros_at

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)  # no candle is later, and the end of the one that begins here is a date
LONGER_THAN_A_MONTH: Final = timedelta(days=32)
PAGES_MAX: Final = 6
SECONDS_MAX: Final = 100_000_000_000  # the year 5138; what is more is in milliseconds


class SeedInterval(NamedTuple):
    """An interval of the seeds' charts. base: of ours, of which it is made; length: null where it is a month."""

    base: Interval
    length: timedelta | None
    phase: datetime = EPOCH

    def start_of(self, time: datetime) -> datetime:
        """Give when the candle begins that a time lies in."""
        if self.length is None:
            return time.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return self.phase + (time - self.phase) // self.length * self.length

    def end_of(self, start: datetime) -> datetime:
        """Give when a candle is over."""
        if self.length is None:
            return self.start_of(start + LONGER_THAN_A_MONTH)
        return start + self.length


def _minutes(base: Interval, count: int) -> SeedInterval:
    return SeedInterval(base, timedelta(minutes=count))


INTERVALS: Final = {
    "1m": _minutes("1m", 1),
    "3m": _minutes("1m", 3),
    "5m": _minutes("5m", 5),
    "15m": _minutes("15m", 15),
    "30m": _minutes("30m", 30),
    "1h": _minutes("1h", 60),
    "2h": _minutes("1h", 120),
    "4h": _minutes("4h", 240),
    "6h": _minutes("1h", 360),
    "8h": _minutes("4h", 480),
    "12h": _minutes("4h", 720),
    "1d": SeedInterval("1d", DAY),
    "3d": SeedInterval("1d", 3 * DAY),
    "1w": SeedInterval("1w", WEEK, MONDAY),
    "1M": SeedInterval("1d", None),
}


class SeedCandle(NamedTuple):
    """A candle of a seed's interval; prices are digits."""

    start: datetime
    end: datetime
    open: str
    high: str
    low: str
    close: str
    ticks: int


class Bucket(BaseModel):
    """A candle as the seed's chart draws it. volume: 0, for none is known here."""

    bucket: str
    time: str
    symbol: str
    open: Digits
    high: Digits
    low: Digits
    close: Digits
    volume: Digits


class Buckets(BaseModel):
    """Candles, oldest first."""

    data: list[Bucket]


def interval_of(name: str, text: str) -> SeedInterval:
    """Give an interval, or say which there are."""
    if text not in INTERVALS:
        raise malformed(name, f"is one of {', '.join(INTERVALS)}")
    return INTERVALS[text]


async def oldest_first(
    state: AppState, asset: str, interval: SeedInterval, start: datetime | None, end: datetime | None
) -> list[SeedCandle]:
    """List an asset's candles from the one that `start` lies in to the last that begins before `end`, as charts do.

    They are made of our newest three thousand at most; one whose beginning is not among those is left out.
    """
    symbol = instrument_named(state, asset, "asset").symbol
    first = None if start is None else interval.start_of(_within(start))
    # The last candle is whole: what of it lies behind `end` is part of it.
    last = None if end is None else interval.end_of(interval.start_of(_within(end) - timedelta.resolution))
    if first is not None and last is not None and first >= last:
        return []  # Both are before the first candle there may be, or behind the last.
    found: list[CandleReply] = []
    cursor = None
    for _ in range(PAGES_MAX):
        page = await service.page(state.database, state.prices, symbol, interval.base, first, last, LIMIT_MAX, cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    made = [_joined(interval, begin, list(parts)) for begin, parts in groupby(found[::-1], _start_in(interval))]
    is_cut = cursor is not None and datetime.fromisoformat(found[-1].start) != made[0].start
    return made[1:] if is_cut else made


def bounds(names: tuple[str, str], start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """Read two times as the seeds write them, where zero is none; the error names them as the seed does."""
    since, until = moment(names[0], start), moment(names[1], end)
    if since is not None and until is not None and since >= until:
        raise malformed(names[0], f"must be before `{names[1]}`")
    return since, until


def bucket_of(candle: SeedCandle, asset: str) -> Bucket:
    """Write a candle as seed 003's chart draws it."""
    return Bucket(
        bucket=written(candle.start),
        time=written(candle.start),
        symbol=asset,
        open=digits(candle.open),
        high=digits(candle.high),
        low=digits(candle.low),
        close=digits(candle.close),
        volume=digits("0"),
    )


def moment(name: str, text: str | None) -> datetime | None:
    """Read a time as the seeds write it: seconds or milliseconds since 1970, of which 0 is none, or RFC 3339."""
    if text is None or not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        return _written(name, text)
    if number == 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1_000 if number > SECONDS_MAX else number, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise malformed(name, "is no time") from error


def written(time: datetime) -> str:
    """Write a time as the API does."""
    return text_of(micros_at(time))


def _within(time: datetime) -> datetime:
    """Give the nearest time at which there may be a candle."""
    return min(max(time, EPOCH), LAST)


def _start_in(interval: SeedInterval) -> Callable[[CandleReply], datetime]:
    return lambda candle: interval.start_of(datetime.fromisoformat(candle.start))


def _joined(interval: SeedInterval, start: datetime, parts: list[CandleReply]) -> SeedCandle:
    """Make one candle of those it consists of, oldest first."""
    return SeedCandle(
        start=start,
        end=interval.end_of(start),
        open=parts[0].open,
        high=max((part.high for part in parts), key=digits),
        low=min((part.low for part in parts), key=digits),
        close=parts[-1].close,
        ticks=sum(part.ticks for part in parts),
    )


def _written(name: str, text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise malformed(name, "is no time") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
