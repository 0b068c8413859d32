"""What of a feed goes to Kafka: every tick to the public topic, and prices into every shard of the exchange."""

from decimal import Decimal
from typing import Final

import msgspec
import structlog

from market_data.clock import Clock
from market_data.conversion import SPREAD_TOO_WIDE, price_defect, scaled, to_ticks
from market_data.feed import FeedEnded, FeedInterrupted, FeedItem, FeedQuote, Heartbeat, OutdatedQuote, PriceFeed
from market_data.ledger import FollowedLedger
from market_data.metrics import FeedMetrics
from market_data.outbox import PriceOutbox
from market_data.pacing import PacedPrices, PriceIntervals, ShardPrices
from market_data.quote_board import QuoteBoard
from market_data.vouching import Vouching
from schemas.codec import encode_command
from schemas.commands import SelectFeed, UpdatePrices
from schemas.record import replace
from schemas.topics import COMMANDS, TICKS
from schemas.units import SECOND, NotRepresentable

WAIT_MIN_S: Final = 0.005
WAIT_MAX_S: Final = 1.0
MARKS_SINCE_RULES: Final = 2  # before, a command with marks is no command, and an alive symbol is a name
SOURCE_DRIFT_MAX: Final = 5 * SECOND  # a live quote that is further from now is refused
LOGGED_REFUSALS: Final = 100  # after the first so many, one of so many is logged

log = structlog.get_logger(__name__)


class PublishedTick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record of `backpack-market-updates`. Floats to look at; text and integers to compute with.

    price: the middle of bid and ask. timestamp: the source's, ms. volume: of the last day. It and the sizes are null
    where they are not known.
    """

    symbol: str
    price: float
    timestamp: int
    bid: float
    ask: float
    volume: float | None
    bid_text: str
    ask_text: str
    source_time_us: int
    update_id: int
    bid_size: str | None = None
    ask_size: str | None = None


class PricePublisher:
    """Publishes one start of one feed."""

    def __init__(
        self,
        feed: PriceFeed,
        ledger: FollowedLedger,
        intervals: PriceIntervals,
        outbox: PriceOutbox,
        clock: Clock,
        metrics: FeedMetrics,
        board: QuoteBoard,
    ) -> None:
        self._feed = feed
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock
        self._metrics = metrics
        self._board = board
        self._vouching = Vouching()
        self._paced = PacedPrices(ledger, self._vouching, intervals)
        # A tick may come during the sleep, and is then due after the interval.
        self._wait_max_s = intervals.active or WAIT_MAX_S
        self._volumes: dict[str, float] = {}
        self._refusals = 0

    async def select_feed(self) -> None:
        """Select the feed in every shard; return when Kafka has confirmed it."""
        command = SelectFeed(name=self._feed.name, run=self._feed.run, live=self._feed.live)
        await self._outbox.wait_for_room(self._ledger.shards)
        value = encode_command(command)
        for shard in range(self._ledger.shards):
            self._outbox.send(COMMANDS, value, partition=shard)
        await self._outbox.wait_until_confirmed()
        self._board.feed, self._board.run, self._board.selected = self._feed.name, self._feed.run, True
        log.info("feed selected", feed=self._feed.name, run=self._feed.run, shards=self._ledger.shards)

    async def follow(self) -> None:
        """Publish the feed's items until it ends. `send_due_periodically` runs beside it."""
        async for item in self._feed.items():
            await self.publish_item(item)

    async def send_due_periodically(self) -> None:
        """Send the price commands that fall due while no item comes."""
        while True:
            wait_s = self._paced.wait_s(self._clock.monotonic())
            await self._clock.sleep(max(WAIT_MIN_S, min(wait_s, self._wait_max_s)))
            await self._send_due()
            self._show_doubts()

    async def publish_item(self, item: FeedItem) -> None:
        """Publish one item of the feed."""
        match item:
            case FeedQuote():
                await self._publish_quote(item)
            case Heartbeat():
                self._take_heartbeat(item)
            case OutdatedQuote(symbol=symbol):
                self._vouching.doubt(symbol, "not_newer")
            case FeedInterrupted():
                self._vouching.interrupt()
                self._set_connected(connected=False)
                self._metrics.feed_interruptions.inc()
            case FeedEnded():
                self._vouching.interrupt()
                self._set_connected(connected=False)
                self._take_end(item)

    def _take_end(self, end: FeedEnded) -> None:
        self._board.finished, self._board.failure, self._board.notice = True, end.failure, end.notice
        self._metrics.feed_finished.set(1)
        if end.failure is not None:
            log.error("STOPPED: the feed cannot go on; its prices are stale from now on", why=end.failure)
            return
        if end.notice is not None:
            log.warning("the recording is not whole", why=end.notice)
        log.info("ENDED: the recording came to its end; its prices are stale from now on", run=self._feed.run)

    async def _publish_quote(self, quote: FeedQuote) -> None:
        self._metrics.feed_messages.labels("quote").inc()
        self._set_connected(connected=True)
        instrument = self._ledger.followed.get(quote.symbol)
        if instrument is None:
            self._metrics.feed_messages.labels("not_followed").inc()
            return
        try:
            price = to_ticks(quote, instrument)
        except NotRepresentable as error:
            self._vouching.doubt(quote.symbol, "not_representable")
            self._refuse(quote, "not_representable", str(error))
            return
        defect = price_defect(price, instrument)
        if defect in (None, SPREAD_TOO_WIDE):
            await self._outbox.wait_for_room(1)
            self._send_tick(quote)
        if defect is not None:
            self._paced.add_ill_formed(quote, price, "ill_formed")
        elif self._feed.live and abs(quote.source_time - self._clock.micros()) > SOURCE_DRIFT_MAX:
            defect = "out_of_time"
            self._paced.add_ill_formed(quote, price, "out_of_time")
        else:
            self._board.update(quote)
            self._paced.add_tick(quote, price, self._clock.monotonic())
        if defect is not None:
            # The core refuses it too, and its event says so.
            self._refuse(quote, defect, "its price goes to the exchange, which refuses it")
        await self._send_due()

    def _take_heartbeat(self, heartbeat: Heartbeat) -> None:
        self._metrics.feed_messages.labels("heard").inc()
        self._set_connected(connected=True)
        instrument = self._ledger.followed.get(heartbeat.symbol)
        if instrument is not None:
            self._vouching.add_heartbeat(instrument, heartbeat.last_price, self._clock.monotonic())
        if heartbeat.volume is not None:
            try:
                number, divisor = scaled(heartbeat.volume, 0)
            except NotRepresentable:
                return
            self._volumes[heartbeat.symbol] = number / divisor

    def _send_tick(self, quote: FeedQuote) -> None:
        bid, ask = Decimal(quote.bid), Decimal(quote.ask)
        tick = PublishedTick(
            symbol=quote.symbol,
            price=float((bid + ask) / 2),
            timestamp=quote.source_time // 1000,
            bid=float(bid),
            ask=float(ask),
            volume=self._volumes.get(quote.symbol),
            bid_text=quote.bid,
            ask_text=quote.ask,
            source_time_us=quote.source_time,
            update_id=quote.update_id,
            bid_size=quote.bid_size,
            ask_size=quote.ask_size,
        )
        self._outbox.send(TICKS, msgspec.json.encode(tick), key=quote.symbol.encode())
        self._metrics.ticks_published.labels(quote.symbol).inc()

    async def _send_due(self) -> None:
        """Send the price commands that are due. Their content is taken only once there is room for it."""
        if self._paced.wait_s(self._clock.monotonic()) > 0:
            return
        await self._outbox.wait_for_room(self._ledger.shards)
        for due in self._paced.take_due(self._clock.monotonic()):
            self._send_prices(due)
        self._metrics.active_shards.set(len(self._paced.active))
        self._metrics.unacknowledged.set(self._outbox.unacknowledged)

    def _send_prices(self, due: ShardPrices) -> None:
        prices = due.prices
        command = UpdatePrices(
            feed=self._feed.name,
            run=self._feed.run,
            sent_at=self._clock.micros(),
            ticks=prices.ticks,
            alive=tuple(mark.symbol for mark in prices.marks),
        )
        by_names = by_marks = encode_command(command)
        if prices.marks:
            by_marks = encode_command(replace(command, alive=(), marks=prices.marks))
        for shard in sorted(due.shards):
            value = by_marks if self._ledger.rules_version(shard) >= MARKS_SINCE_RULES else by_names
            self._outbox.send(COMMANDS, value, partition=shard)
        self._metrics.price_commands.inc()

    def _show_doubts(self) -> None:
        """Show which symbols are not vouched for, and why: silence comes without an item."""
        doubts = self._vouching.doubts(self._ledger.followed, self._clock.monotonic())
        for symbol in self._ledger.followed:
            self._metrics.symbol_vouched.labels(symbol).set(symbol not in doubts)
        self._board.active_shards = sorted(self._paced.active)
        self._board.doubts, self._board.unknown_symbols = doubts, self._ledger.unknown_symbols()

    def _set_connected(self, *, connected: bool) -> None:
        if connected != self._board.connected:
            self._board.connected = connected
            self._metrics.feed_connected.set(int(connected))
            log.info("feed connected" if connected else "feed disconnected", feed=self._feed.name)

    def _refuse(self, quote: FeedQuote, reason: str, why: str) -> None:
        self._metrics.ticks_refused.labels(reason).inc()
        self._refusals += 1
        if self._refusals <= LOGGED_REFUSALS or self._refusals % LOGGED_REFUSALS == 0:
            log.warning(
                "quote refused", symbol=quote.symbol, bid=quote.bid[:40], ask=quote.ask[:40], reason=reason, why=why
            )
