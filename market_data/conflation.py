"""Which price command is due when: one new tick or an alive mark of each symbol, neither too often nor too rarely."""

from typing import Final

import msgspec

from market_data.conversion import TickPrice
from market_data.feed import FeedQuote
from market_data.ledger import FollowedLedger
from market_data.vouching import NEVER, Vouching
from schemas.messages import AliveMark, Tick
from schemas.units import Ticks, Timestamp

MARKS_EVERY_S: Final = 1.0
MILLION: Final = 1_000_000


class ConflatedPrices(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The content of the next price command."""

    ticks: tuple[Tick, ...]
    marks: tuple[AliveMark, ...]


class Conflation:
    """The ticks since the last price command. Times are seconds of a monotonic clock.

    interval_s: least time between two commands. Marks alone are sent as often, but not more often than once a second.
    """

    def __init__(self, ledger: FollowedLedger, vouching: Vouching, interval_s: float) -> None:
        self._ledger = ledger
        self._vouching = vouching
        self._interval_s = interval_s
        self._marks_every_s = max(interval_s, MARKS_EVERY_S)
        self._pending: dict[str, Tick] = {}
        self._ill_formed: dict[str, Tick] = {}
        self._sent_at = NEVER

    def add_tick(self, quote: FeedQuote, price: TickPrice) -> None:
        """Note a well-formed price: the newest counts, with the low and high of all since the last command."""
        total = price.bid + price.ask
        low = high = total
        before = self._pending.get(quote.symbol)
        # A price the core would hold for its jump has no part in the range of one it accepts.
        if before is not None and not self._jumps(quote.symbol, before.bid + before.ask, total):
            low, high = min(before.low, low), max(before.high, high)
        self._pending[quote.symbol] = _tick(quote, price, low, high)
        self._ill_formed.pop(quote.symbol, None)

    def add_ill_formed(self, quote: FeedQuote, price: TickPrice) -> None:
        """Note a price that the core will refuse: it is sent only where there is no better one."""
        if quote.symbol not in self._pending:
            total = price.bid + price.ask
            self._ill_formed[quote.symbol] = _tick(quote, price, total, total)

    def wait_s(self, now: float) -> float:
        """How long from now until a command may be due, if no item comes; 0 when one is due."""
        if self._pending or self._ill_formed:
            return max(0.0, self._sent_at + self._interval_s - now)
        marks = self._vouching.marks(self._ledger.followed, now)
        return max(0.0, self._sent_at + self._marks_every_s - now) if marks else self._marks_every_s

    def take_due(self, now: float) -> ConflatedPrices | None:
        """Give the content that is due, and forget it; None while nothing is due."""
        return None if self.wait_s(now) > 0 else self.take(now)

    def take(self, now: float) -> ConflatedPrices | None:
        """Give what there is, due or not, and forget it; None where there is nothing."""
        ticks = self._ill_formed | self._pending
        followed = self._ledger.followed
        # A mark beside its own tick would be judged before the tick is the last one.
        without_tick = (symbol for symbol in followed if symbol not in ticks)
        prices = ConflatedPrices(
            ticks=tuple(ticks[symbol] for symbol in followed if symbol in ticks),
            marks=self._vouching.marks(without_tick, now),
        )
        self._pending.clear()
        self._ill_formed.clear()
        if not prices.ticks and not prices.marks:
            return None
        self._sent_at = now
        return prices

    def _jumps(self, symbol: str, before: int, after: int) -> bool:
        return abs(after - before) * MILLION > self._ledger.followed[symbol].jump_max * before


def _tick(quote: FeedQuote, price: TickPrice, low: int, high: int) -> Tick:
    return Tick(
        symbol=quote.symbol,
        bid=Ticks(price.bid),
        ask=Ticks(price.ask),
        low=low,
        high=high,
        source_time=Timestamp(quote.source_time),
        update_id=quote.update_id,
    )
