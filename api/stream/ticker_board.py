"""The public channels: tickers and candles, sent no oftener than all sockets together can take."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final, assert_never

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.http.problems import ApiError
from api.http.times import now, text_of
from api.stream.candle_feed import CandleFeed
from api.stream.channels import PublicChannel, ticks_of
from api.stream.outbox import SocketOutbox
from api.stream.schemas import WsTickerMessage
from api.tickers.service import ticker_of
from projector.queries import DayStats
from schemas.event_groups import MarketEvent
from schemas.events import FeedKept, FeedSelected, InstrumentsDefined, MarketStatusSet, PricesUpdated, TickHeld
from schemas.messages import Instrument
from schemas.sharding import PRICE_SHARD

PAUSE_S: Final = 0.1
LOOK_S: Final = 1.0  # how often is looked for prices that became stale, and candles that are over
SENDS_MAX: Final = 2_500  # messages a second to all sockets together


class TickFeed:
    """One symbol's last price, for as long as any socket listens."""

    def __init__(self, channel: str, instrument: Instrument) -> None:
        self.channel = channel
        self.instrument = instrument
        self.holders: set[SocketOutbox] = set()
        self.readers: set[SocketOutbox] = set()
        self.has_changed = False
        self.state = ""


class TickerBoard:
    """Holds the public channels; used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._ticks: dict[str, TickFeed] = {}
        self._candles: dict[str, CandleFeed] = {}
        self._days: Mapping[str, DayStats] = {}
        self._seq = 0
        self._changed = asyncio.Event()

    async def prepare(self, channel: PublicChannel, outbox: SocketOutbox) -> None:
        """Be ready to send a socket a channel; ApiError or SQLAlchemyError where that cannot be."""
        if channel.interval is None:
            ticks = self._ticks.setdefault(channel.name, TickFeed(channel.name, channel.instrument))
            ticks.holders.add(outbox)
            await self._ask_days()
            return
        new_feed = CandleFeed(self._app, channel.name, channel.interval, channel.instrument)
        candles = self._candles.setdefault(channel.name, new_feed)
        candles.holders.add(outbox)
        try:
            await candles.load()
        except (ApiError, SQLAlchemyError):
            # Whoever comes next begins anew.
            if self._candles.get(channel.name) is candles:
                del self._candles[channel.name]
            raise

    def subscribe(self, channel: PublicChannel, outbox: SocketOutbox) -> None:
        """Send a socket a channel's snapshot, and what becomes of it."""
        if channel.interval is not None:
            self._candles[channel.name].subscribe(outbox)
            return
        feed = self._ticks[channel.name]
        outbox.put(self._ticker(feed, "snapshot"))
        feed.readers.add(outbox)

    def unsubscribe(self, name: str, outbox: SocketOutbox) -> None:
        """Send a socket no more of a channel, whether it was subscribed or not."""
        outbox.drop(name)
        feeds: Mapping[str, TickFeed | CandleFeed] = self._ticks if name in self._ticks else self._candles
        feed = feeds.get(name)
        if feed is not None:
            feed.readers.discard(outbox)
            feed.holders.discard(outbox)
            if not feed.holders:
                self._ticks.pop(name, None)
                candles = self._candles.pop(name, None)
                if candles is not None:
                    candles.close()

    async def publish_for_ever(self) -> None:
        """Send what is new, as often as there is time for."""
        cancel = self._app.bus.subscribe_to_market(self._take)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), LOOK_S)
                self._changed.clear()
                if self._ticks:
                    await self._ask_days()
                self._publish()
                await asyncio.sleep(max(PAUSE_S, self._readers() / SENDS_MAX))
        finally:
            cancel()

    def _take(self, event: MarketEvent) -> None:
        self._seq = event.seq
        match event:
            case PricesUpdated():
                for symbol in (*(tick.symbol for tick in event.accepted), *event.alive):
                    self._mark(symbol)
            case TickHeld(symbol=symbol):
                self._mark(symbol)
            case FeedSelected() | FeedKept() | InstrumentsDefined() | MarketStatusSet():
                for feed in self._ticks.values():
                    feed.has_changed = True
            case _:
                assert_never(event)
        for candles in self._candles.values():
            candles.take(event)
        self._changed.set()

    def _mark(self, symbol: str) -> None:
        feed = self._ticks.get(ticks_of(symbol))
        if feed is not None:
            feed.has_changed = True

    def _readers(self) -> int:
        ticks = sum(len(feed.readers) for feed in self._ticks.values())
        return ticks + sum(len(feed.readers) for feed in self._candles.values())

    def _publish(self) -> None:
        moment = now()
        for feed in self._ticks.values():
            # A price becomes stale by nothing happening.
            if feed.has_changed or feed.state != self._app.prices.state(feed.instrument.symbol, moment):
                text = self._ticker(feed, "update")
                for outbox in feed.readers:
                    outbox.replace(feed.channel, text)
        for candles in self._candles.values():
            candles.publish()

    def _ticker(self, feed: TickFeed, kind: str) -> str:
        if kind == "update":
            feed.has_changed = False
        symbol = feed.instrument.symbol
        ticker = ticker_of(self._app.prices, feed.instrument, self._app.prices.quote(symbol), self._days.get(symbol))
        feed.state = ticker.state
        seq = max(self._seq, self._app.outcomes.seq(PRICE_SHARD))
        fields = {"channel": feed.channel, "seq": seq, "ts": text_of(now()), "type": kind, "data": ticker}
        return WsTickerMessage.model_validate(fields).model_dump_json()

    async def _ask_days(self) -> None:
        try:
            self._days = await self._app.day_stats.days()
        except SQLAlchemyError as error:
            # Prices are worth sending without what they were a day ago.
            structlog.get_logger().warning("no day's prices", error=str(error))
