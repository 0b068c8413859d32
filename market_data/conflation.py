"""Which price command is due when: one new tick or an alive mark of each symbol, neither too often nor too rarely."""

from collections.abc import Mapping
from typing import Final

import msgspec

from market_data.conversion import TickPrice
from market_data.feed import FeedQuote
from schemas.messages import Instrument, Tick
from schemas.units import Ticks, Timestamp

ALIVE_WITHIN_S: Final = 2.0
SILENCE_MAX_S: Final = 1.0
MILLION: Final = 1_000_000
NEVER: Final = float("-inf")


class ConflatedPrices(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The content of the next price command."""

    ticks: tuple[Tick, ...]
    alive: tuple[str, ...]


class Conflation:
    """The ticks since the last price command. Times are seconds of a monotonic clock.

    interval_s: least time between two commands; more than a second counts as one.
    """

    def __init__(self, instruments: Mapping[str, Instrument], interval_s: float) -> None:
        self._instruments = instruments
        self._interval_s = min(interval_s, SILENCE_MAX_S)
        self._pending: dict[str, Tick] = {}
        self._ill_formed: dict[str, Tick] = {}
        self._quoted: set[str] = set()
        self._last_message_at: dict[str, float] = {}
        self._sent_at = NEVER

    def add_tick(self, quote: FeedQuote, price: TickPrice, now: float) -> None:
        """Note a well-formed price: the newest counts, with the low and high of all since the last command."""
        total = price.bid + price.ask
        low = high = total
        before = self._pending.get(quote.symbol)
        # A price the core would hold for its jump has no part in the range of one it accepts.
        if before is not None and not self._jumps(quote.symbol, before.bid + before.ask, total):
            low, high = min(before.low, low), max(before.high, high)
        self._pending[quote.symbol] = _tick(quote, price, low, high)
        self._ill_formed.pop(quote.symbol, None)
        self._quoted.add(quote.symbol)
        self._last_message_at[quote.symbol] = now

    def add_ill_formed(self, quote: FeedQuote, price: TickPrice, now: float) -> None:
        """Note a price that the core will refuse: it is sent only where there is no better one."""
        if quote.symbol not in self._pending:
            total = price.bid + price.ask
            self._ill_formed[quote.symbol] = _tick(quote, price, total, total)
        self._last_message_at[quote.symbol] = now

    def add_heartbeat(self, symbol: str, now: float) -> None:
        """Note that the source is still alive for a symbol."""
        self._last_message_at[symbol] = now

    def interrupt(self) -> None:
        """Forget every heartbeat: a symbol is alive again once it is quoted again.

        The source quotes on change only, so a change may have been missed that nothing will ever repeat.
        """
        self._quoted.clear()
        self._last_message_at.clear()

    def wait_s(self, now: float) -> float:
        """How long from now until a command may be due, if no item comes; 0 when one is due."""
        if self._pending or self._ill_formed:
            return max(0.0, self._sent_at + self._interval_s - now)
        return max(0.0, self._sent_at + SILENCE_MAX_S - now) if self._alive(now) else SILENCE_MAX_S

    def take_due(self, now: float) -> ConflatedPrices | None:
        """Give the content that is due, and forget it; None while nothing is due."""
        if self.wait_s(now) > 0:
            return None
        ticks = self._ill_formed | self._pending
        prices = ConflatedPrices(
            ticks=tuple(ticks[symbol] for symbol in self._instruments if symbol in ticks),
            alive=tuple(symbol for symbol in self._alive(now) if symbol not in ticks),
        )
        self._pending.clear()
        self._ill_formed.clear()
        self._sent_at = now
        return prices

    def _alive(self, now: float) -> list[str]:
        return [
            symbol
            for symbol in self._instruments
            if symbol in self._quoted and now - self._last_message_at.get(symbol, NEVER) <= ALIVE_WITHIN_S
        ]

    def _jumps(self, symbol: str, before: int, after: int) -> bool:
        return abs(after - before) * MILLION > self._instruments[symbol].jump_max * before


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
