"""How the seeds' candles are made of ours, in their shapes."""

from datetime import UTC, datetime, timedelta
from typing import Final, cast

from pydantic import BaseModel

from api.app_state import AppState
from api.candles import service
from api.candles.schemas import CandleReply
from api.compat.names import instrument_named
from api.compat.replies import Digits, digits
from api.http.cursors import LIMIT_MAX
from api.http.problems import malformed
from api.http.times import micros_of, text_of
from projector.queries import Interval

MINUTES: Final = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1_440, "1w": 10_080}
PAGES_MAX: Final = 6
SECONDS_MAX: Final = 100_000_000_000  # the year 5138; what is more is in milliseconds


class Bucket(BaseModel):
    """A candle as the seed's chart draws it; volumes are not known here."""

    bucket: str
    time: str
    symbol: str
    open: Digits
    high: Digits
    low: Digits
    close: Digits
    volume: Digits | None = None


class Buckets(BaseModel):
    """Candles, oldest first."""

    data: list[Bucket]


def interval_of(name: str, text: str) -> Interval:
    """Give one of our intervals, or say which there are."""
    if text not in MINUTES:
        raise malformed(name, f"is one of {', '.join(MINUTES)}")
    return cast("Interval", text)


async def oldest_first(
    state: AppState, asset: str, interval: Interval, start: datetime | None, end: datetime | None
) -> list[CandleReply]:
    """List an asset's candles that begin in [start, end), the newest three thousand at most, as charts draw them."""
    symbol = instrument_named(state, asset).symbol
    found: list[CandleReply] = []
    cursor = None
    for _ in range(PAGES_MAX):
        page = await service.page(state.database, state.prices, symbol, interval, start, end, LIMIT_MAX, cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found[::-1]


def end_of(candle: CandleReply) -> str:
    """Give the time at which a candle's interval ends."""
    end = datetime.fromisoformat(candle.start) + timedelta(minutes=MINUTES[candle.interval])
    return text_of(micros_of(end))


def bucket_of(candle: CandleReply, asset: str) -> Bucket:
    """Write a candle as seed 003's chart draws it."""
    return Bucket(
        bucket=candle.start,
        time=candle.start,
        symbol=asset,
        open=digits(candle.open),
        high=digits(candle.high),
        low=digits(candle.low),
        close=digits(candle.close),
    )


def moment(name: str, text: str | None) -> datetime | None:
    """Read a time as the seeds write it: seconds or milliseconds since 1970, or RFC 3339."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return _written(name, text)
    try:
        return datetime.fromtimestamp(number / 1_000 if number > SECONDS_MAX else number, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise malformed(name, "is no time") from error


def _written(name: str, text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise malformed(name, "is no time") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
