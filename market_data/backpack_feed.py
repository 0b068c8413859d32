"""The Backpack feed: best bid and ask over its public WebSocket, connected again whenever it is lost or silent."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from market_data.clock import Clock
from market_data.envelopes import LOGGED_MAX, ErrorReply, MalformedMessage, read_message
from market_data.feed import FeedInterrupted, FeedItem, FeedQuote, Heartbeat, OutdatedQuote
from market_data.ledger import FollowedLedger
from market_data.metrics import FeedMetrics
from runtime.addresses import is_local
from schemas.words import FeedName

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 30.0
SILENCE_MAX_S: Final = 15.0  # `ticker` comes every second, so a live connection is never that quiet
OPEN_TIMEOUT_S: Final = 10.0
PING_INTERVAL_S: Final = 20.0
PING_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 2.0
MESSAGE_MAX: Final = 1 << 20  # bytes
AHEAD_MAX_US: Final = 5_000_000  # of a source time before the clock
QUEUE_MAX: Final = 256  # messages read ahead of the publisher

log = structlog.get_logger(__name__)


class BackpackFeed:
    """Follows the ledger's symbols at one address, for ever, also those that come while it is connected.

    silence_s: so long without a message, and it connects anew.
    """

    name: FeedName = "backpack"
    run = "live"
    live = True

    def __init__(
        self, url: str, ledger: FollowedLedger, clock: Clock, metrics: FeedMetrics, *, silence_s: float = SILENCE_MAX_S
    ) -> None:
        self._url = url
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._silence_s = silence_s
        self._dice = random.SystemRandom()
        # Kept over connections: what is older than this was either given already or is of no use any more.
        self._newest: dict[str, FeedQuote] = {}

    async def items(self) -> AsyncIterator[FeedItem]:
        """Give the items; where the connection is lost, say so and connect again."""
        failures = 0
        while True:
            try:
                async with self._connection() as connection:
                    async for item in self._receive(connection):
                        failures = 0
                        yield item
            except TimeoutError:
                log.warning("connection given up: no answer or no message in time", url=self._url)
            # Where a SOCKS proxy is set, the library needs a package that is not installed: that is an ImportError.
            except (OSError, WebSocketException, ImportError) as error:
                log.warning("connection lost", url=self._url, why=f"{type(error).__name__}: {error}"[:LOGGED_MAX])
            yield FeedInterrupted()
            pause = backoff_s(failures, self._dice)
            failures += 1
            log.info("connecting again", url=self._url, after_s=round(pause, 2), failures=failures)
            await self._clock.sleep(pause)

    def _connection(self) -> connect:
        return connect(
            self._url,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MESSAGE_MAX,
            max_queue=QUEUE_MAX,
            # A proxy of the environment is for the world outside; a server on this machine is met directly.
            proxy=None if is_local(self._url) else True,
        )

    async def _receive(self, connection: ClientConnection) -> AsyncIterator[FeedItem]:
        """Subscribe, and give the items of the messages.

        Ends with an exception: a Close frame, a broken connection or silence. Something comes every second for each
        symbol, so one that the ledger gets is subscribed to as soon.
        """
        subscribed: tuple[str, ...] = ()
        while True:
            new = tuple(symbol for symbol in self._ledger.followed if symbol not in subscribed)
            if new:
                await connection.send(subscribe_request(new))
                log.info("subscribed", url=self._url, symbols=new)
                subscribed += new
            async with asyncio.timeout(self._silence_s):
                message = await connection.recv()
            item = self._parse(message)
            if item is not None:
                yield item

    def _parse(self, message: str | bytes) -> FeedItem | None:
        """Parse one message; a useless one is counted, and never ends the feed."""
        try:
            parsed = read_message(message)
        except MalformedMessage as error:
            self._metrics.feed_messages.labels("garbage").inc()
            log.warning("message skipped", why=str(error), message=repr(message[:LOGGED_MAX]))
            return None
        match parsed:
            case FeedQuote() if parsed.symbol in self._ledger.followed:
                return self._if_newer(parsed)
            case Heartbeat() if parsed.symbol in self._ledger.followed:
                return parsed
            case ErrorReply():
                self._metrics.feed_messages.labels("error").inc()
                log.error("the server refused a request", error=parsed.error)
            case _:
                self._metrics.feed_messages.labels("other").inc()
        return None

    def _if_newer(self, quote: FeedQuote) -> FeedItem:
        """Give a quote that is newer than the last; what an older one says of the market contradicts the last."""
        last = self._newest.get(quote.symbol)
        if last is not None and (quote.source_time, quote.update_id) <= (last.source_time, last.update_id):
            self._metrics.feed_messages.labels("not_newer").inc()
            # A subscription may begin with the last quote once more.
            return Heartbeat(symbol=quote.symbol) if quote == last else OutdatedQuote(symbol=quote.symbol)
        # One message with a time far ahead, wrong as it must be, would else make all that follow seem old.
        if quote.source_time <= self._clock.micros() + AHEAD_MAX_US:
            self._newest[quote.symbol] = quote
        return quote


def subscribe_request(symbols: Sequence[str]) -> str:
    """Ask for the best bid and ask on change, and for the ticker, which comes every second."""
    streams = [f"{kind}.{symbol}" for kind in ("bookTicker", "ticker") for symbol in symbols]
    return msgspec.json.encode({"method": "SUBSCRIBE", "params": streams}).decode()


def backoff_s(failures: int, dice: random.Random) -> float:
    """Draw the pause before the next attempt: anything up to 0.5 s, doubled with each failure, up to 30 s.

    The whole range is drawn from (full jitter), so that many clients of one server do not come back together.
    """
    ceiling = BACKOFF_FIRST_S
    for _ in range(min(failures, 6)):
        ceiling = min(ceiling * 2, BACKOFF_MAX_S)
    return dice.uniform(0, ceiling)
