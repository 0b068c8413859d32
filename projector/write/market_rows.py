"""Which rows follow from shard 0's events about the market: last prices, minutes of candles, feed, instruments."""

from typing import NamedTuple, assert_never

import msgspec

from schemas.event_groups import MarketEvent
from schemas.events import FeedKept, FeedSelected, InstrumentsDefined, MarketStatusSet, PricesUpdated, TickHeld
from schemas.messages import Instrument, MarketStatus, Tick
from schemas.units import MINUTE


class Price(msgspec.Struct, kw_only=True):
    """A row of `prices`."""

    symbol: str
    bid: int | None = None
    ask: int | None = None
    source_time: int | None = None
    accepted_at: int | None = None
    heard_at: int | None = None
    feed: str | None = None
    feed_changed: bool = False
    held_bid: int | None = None
    held_ask: int | None = None
    held_at: int | None = None


class Candle(msgspec.Struct):
    """A row of `candles`, as far as this batch goes. Prices are of bid + ask."""

    symbol: str
    start: int
    open: int
    high: int
    low: int
    close: int
    ticks: int
    source: str


class TickSpan(NamedTuple):
    """What an accepted tick says of the time since the one before. low, high: of bid + ask; seq, time: its event's."""

    seq: int
    time: int
    low: int
    high: int


class MarketRows:
    """The market as a batch leaves it; `prices` begins with the rows there are."""

    def __init__(self, prices: dict[str, Price]) -> None:
        self.prices = prices
        self.moved: set[str] = set()
        self.candles: dict[tuple[str, int], Candle] = {}
        self.spans: dict[str, list[TickSpan]] = {}
        self.feed: FeedSelected | None = None
        self.instruments: dict[str, Instrument] = {}
        self.statuses: dict[str, MarketStatus] = {}

    def add(self, event: MarketEvent) -> None:
        """Take in one event of shard 0."""
        match event:
            case PricesUpdated():
                self._update_prices(event)
            case TickHeld():
                price = self._price(event.symbol)
                price.held_bid, price.held_ask, price.held_at = event.bid, event.ask, event.time
            case FeedSelected():
                self._select_feed(event)
            case InstrumentsDefined():
                self.instruments |= {instrument.symbol: instrument for instrument in event.instruments}
            case MarketStatusSet():
                self.statuses[event.symbol] = event.status
            case FeedKept():
                pass  # The feed is what it was.
            case _:
                assert_never(event)

    def _update_prices(self, event: PricesUpdated) -> None:
        for tick in event.accepted:
            price = self._price(tick.symbol)
            price.bid, price.ask, price.source_time = tick.bid, tick.ask, tick.source_time
            price.accepted_at = price.heard_at = event.time
            price.feed, price.feed_changed = event.feed, False
            price.held_bid = price.held_ask = price.held_at = None
            self._add_to_candle(tick, event)
            self.spans.setdefault(tick.symbol, []).append(TickSpan(event.seq, event.time, tick.low, tick.high))
        for symbol in event.alive:
            self._price(symbol).heard_at = event.time

    def _add_to_candle(self, tick: Tick, event: PricesUpdated) -> None:
        """A tick opens its minute with its own price; its range since the last command belongs to this minute too."""
        start = event.time // MINUTE * MINUTE
        middle = tick.bid + tick.ask
        candle = self.candles.get((tick.symbol, start))
        if candle is None:
            candle = Candle(tick.symbol, start, middle, tick.high, tick.low, middle, 0, event.feed)
            self.candles[tick.symbol, start] = candle
        candle.high = max(candle.high, tick.high)
        candle.low = min(candle.low, tick.low)
        candle.close = middle
        candle.ticks += 1
        candle.source = event.feed

    def _select_feed(self, event: FeedSelected) -> None:
        self.feed = event
        for symbol in self.prices:
            price = self._price(symbol)
            price.feed_changed = True
            price.held_bid = price.held_ask = price.held_at = None

    def _price(self, symbol: str) -> Price:
        self.moved.add(symbol)
        price = self.prices.get(symbol)
        if price is None:
            price = self.prices[symbol] = Price(symbol=symbol)
        return price
