"""What the service's pages show: which feed runs, and the last quote of each symbol."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from market_data.clock import Clock
from market_data.feed import FeedQuote
from runtime.pages import Readiness
from schemas.words import FeedName


class LastQuote(NamedTuple):
    """A symbol's last well-formed quote, and how many there were."""

    bid: str
    ask: str
    at: float
    ticks: int


class QuoteBoard:
    """Written by the publisher, read by the pages' thread, so each entry is replaced whole."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.feed: FeedName | None = None
        self.run: str | None = None
        self.selected = False
        self.connected = False
        self.finished = False
        self.failure: str | None = None  # why the feed stopped before its end
        self.notice: str | None = None  # what else is to be told of its end
        self.doubts: Mapping[str, str] = {}  # why a symbol is not vouched for
        self.unknown_symbols: Sequence[str] = ()
        self.active_shards: Sequence[int] = ()  # those that get prices after the shorter interval
        self._symbols: dict[str, LastQuote] = {}

    def update(self, quote: FeedQuote) -> None:
        """Replace the symbol's last quote."""
        before = self._symbols.get(quote.symbol)
        count = 1 if before is None else before.ticks + 1
        self._symbols[quote.symbol] = LastQuote(quote.bid, quote.ask, self._clock.monotonic(), count)

    def status(self) -> dict[str, Any]:
        """Give the page `/status`."""
        now = self._clock.monotonic()
        return {
            "feed": self.feed,
            "run": self.run,
            "connected": self.connected,
            "finished": self.finished,
            "failure": self.failure,
            "notice": self.notice,
            "symbols": {
                symbol: {"bid": seen.bid, "ask": seen.ask, "age_ms": round((now - seen.at) * 1000), "ticks": seen.ticks}
                for symbol, seen in self._symbols.copy().items()
            },
            "not_vouched_for": dict(self.doubts),
            "active_shards": list(self.active_shards),
            "unknown_to_the_ledger": list(self.unknown_symbols),
        }

    def readiness(self) -> Readiness:
        """Give the page `/readyz`: ready once prices flow, and when a recording came to its end."""
        if self.failure is not None:
            return Readiness(ready=False, why=f"The feed has stopped. {self.failure}")
        if self.finished:
            return Readiness(ready=True, why=None)
        if self.feed is None:
            return Readiness(ready=False, why="No feed is chosen yet; the exchange has to know its instruments first.")
        if not self.selected:
            return Readiness(ready=False, why="Kafka has not confirmed the choice of the feed in every shard yet.")
        if not self.connected:
            return Readiness(ready=False, why="The feed is not connected.")
        if not self._symbols:
            return Readiness(ready=False, why="The feed has quoted nothing yet.")
        return Readiness(ready=True, why=None)
