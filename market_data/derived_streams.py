"""What quotes mean for the streams a recording of them does not have itself: trades, depth and candles."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from market_data.feed import FeedQuote

MICROS_PER_SECOND: Final = 1_000_000
MINUTE_S: Final = 60
DAY_S: Final = 86_400
MONDAY_S: Final = 4 * DAY_S  # 1970 began on a Thursday; weeks begin on Mondays
INTERVALS_S: Final = {
    **{f"{count}m": count * MINUTE_S for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * 60 * MINUTE_S for count in (1, 2, 4, 6, 8, 12)},
    "1s": 1,
    "1d": DAY_S,
    "3d": 3 * DAY_S,
    "1w": 7 * DAY_S,
}
MONTH: Final = "1month"
LONGER_THAN_A_MONTH: Final = timedelta(days=32)
DEPTHS: Final = ("", "200ms", "600ms", "1000ms")  # all are sent with each change
UNKNOWN_SIZE: Final = "1"  # of a level of which the recording has only the price; 0 would take it away
NO_SIZE: Final = "0"


class QuoteCandle(NamedTuple):
    """The middle prices of an interval that began at a time, seconds."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    quotes: int

    def with_price(self, price: Decimal) -> "QuoteCandle":
        """Take one more price into it."""
        return self._replace(high=max(self.high, price), low=min(self.low, price), close=price, quotes=self.quotes + 1)


class StreamName(NamedTuple):
    """What a stream is of. interval: a candle's; empty for all else."""

    kind: str
    interval: str
    symbol: str


def read_stream(stream: str) -> StreamName | None:
    """Read the name of a stream; null where there is none of this kind."""
    kind, _, rest = stream.partition(".")
    if kind in ("bookTicker", "ticker", "trade"):
        return StreamName(kind, "", rest)
    option, _, symbol = rest.rpartition(".")
    if kind == "depth" and option in DEPTHS:
        return StreamName(kind, "", symbol)
    if kind == "kline" and (option in INTERVALS_S or option == MONTH):
        return StreamName(kind, option, symbol)
    return None


def interval_start(interval: str, now: int) -> int:
    """Give when the interval began that a time (µs) lies in, in seconds."""
    seconds, phase = now // MICROS_PER_SECOND, MONDAY_S if interval == "1w" else 0
    if interval == MONTH:
        first = datetime.fromtimestamp(seconds, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return int(first.timestamp())
    return (seconds - phase) // INTERVALS_S[interval] * INTERVALS_S[interval] + phase


def interval_end(interval: str, start: int) -> int:
    """Give when an interval is over, in seconds."""
    if interval == MONTH:
        within_next = datetime.fromtimestamp(start, UTC) + LONGER_THAN_A_MONTH
        return interval_start(MONTH, int(within_next.timestamp()) * MICROS_PER_SECOND)
    return start + INTERVALS_S[interval]


def trade_message(quote: FeedQuote, before: FeedQuote | None, now: int) -> str | None:
    """Write the trade that moved the price: up at the ask, else down at the bid; none where it stayed.

    A recording of quotes has no trades: their price is one at which could be traded, their quantity the recorded size.
    """
    if before is not None and (before.bid, before.ask) == (quote.bid, quote.ask):
        return None
    is_up = before is None or _middle(quote) >= _middle(before)
    data = {
        "e": "trade",
        "E": now,
        "s": quote.symbol,
        "p": quote.ask if is_up else quote.bid,
        "q": (quote.ask_size if is_up else quote.bid_size) or UNKNOWN_SIZE,
        "b": f"{quote.update_id}-b",
        "a": f"{quote.update_id}-a",
        "t": quote.update_id,
        "T": now,
        "m": not is_up,
    }
    return _message(f"trade.{quote.symbol}", data)


def depth_message(stream: str, quote: FeedQuote, before: FeedQuote | None, now: int) -> str:
    """Write the one level of each side as it is now, and those of before that are gone; all there is without before."""
    asks, bids = [[quote.ask, quote.ask_size or UNKNOWN_SIZE]], [[quote.bid, quote.bid_size or UNKNOWN_SIZE]]
    if before is not None and Decimal(before.ask) != Decimal(quote.ask):
        asks.append([before.ask, NO_SIZE])
    if before is not None and Decimal(before.bid) != Decimal(quote.bid):
        bids.append([before.bid, NO_SIZE])
    data = {
        "e": "depth",
        "E": now,
        "s": quote.symbol,
        "a": asks,
        "b": bids,
        "U": quote.update_id if before is None else before.update_id + 1,
        "u": quote.update_id,
        "T": now,
    }
    return _message(stream, data)


def kline_message(symbol: str, interval: str, candle: QuoteCandle, now: int, *, closed: bool) -> str:
    """Write a candle of the middle prices. Quotes have no volume."""
    data = {
        "e": "kline",
        "E": now,
        "s": symbol,
        "t": _written(candle.start),
        "T": _written(interval_end(interval, candle.start)),
        "o": f"{candle.open:f}",
        "c": f"{candle.close:f}",
        "h": f"{candle.high:f}",
        "l": f"{candle.low:f}",
        "v": "0",
        "n": candle.quotes,
        "X": closed,
    }
    return _message(f"kline.{interval}.{symbol}", data)


class Klines:
    """The candles of one symbol that are being made, each interval from its first subscriber on."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._candles: dict[str, QuoteCandle] = {}
        self._unsent: set[str] = set()

    def add(self, quote: FeedQuote, now: int, intervals: set[str]) -> list[tuple[str, str]]:
        """Take in a quote; gives the messages of the candles that are over before it, each with its interval."""
        ended, middle = self.end_due(now), _middle(quote)
        for interval in intervals:
            candle = self._candles.get(interval)
            start = interval_start(interval, now)
            self._candles[interval] = (
                QuoteCandle(start, middle, middle, middle, middle, 1) if candle is None else candle.with_price(middle)
            )
            self._unsent.add(interval)
        return ended

    def end_due(self, now: int) -> list[tuple[str, str]]:
        """Give the last messages of the candles whose interval is over."""
        over = [
            (interval, candle)
            for interval, candle in self._candles.items()
            if candle.start != interval_start(interval, now)
        ]
        for interval, _ in over:
            del self._candles[interval]
            self._unsent.discard(interval)
        return [
            (interval, kline_message(self._symbol, interval, candle, now, closed=True)) for interval, candle in over
        ]

    def take_changed(self, now: int) -> list[tuple[str, str]]:
        """Give the messages of the candles that changed since the last time."""
        changed, self._unsent = sorted(self._unsent), set()
        return [
            (interval, kline_message(self._symbol, interval, self._candles[interval], now, closed=False))
            for interval in changed
        ]


def _middle(quote: FeedQuote) -> Decimal:
    return (Decimal(quote.bid) + Decimal(quote.ask)) / 2


def _written(seconds: int) -> str:
    """Write a time as Backpack's candles have it: UTC, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _message(stream: str, data: dict[str, Any]) -> str:
    return msgspec.json.encode({"stream": stream, "data": data}).decode()
