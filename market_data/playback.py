"""How a recording is played as if it were the market now."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

import msgspec

from market_data.backpack_protocol import TickerStatistics
from market_data.clock import Clock
from market_data.envelopes import write_quote
from market_data.feed import FeedQuote
from market_data.recording import Recording

MICROS_PER_SECOND: Final = 1_000_000


class Playback:
    """One recording, played once. Prices, sizes and update ids are the recording's; times are those of sending."""

    def __init__(self, recording: Recording, speed: float | None, clock: Clock) -> None:
        self.symbols = set(recording.check().symbols)
        self.finished = False
        self._recording = recording
        self._speed = speed
        self._clock = clock
        self._due = 0.0
        self._next: FeedQuote | None = None
        self._last_messages: dict[str, str] = {}
        self._last_quotes: dict[str, FeedQuote] = {}
        self._statistics: dict[str, TickerStatistics] = {}

    async def due_symbols(self) -> AsyncIterator[str]:
        """Give each quote's symbol when its time comes; call `next_message` before the next one."""
        self.pause()
        before: int | None = None
        for quote in self._recording.quotes():
            if self._speed is None:
                await asyncio.sleep(0)
            else:
                self._due += max(0, quote.source_time - (before or quote.source_time)) / MICROS_PER_SECOND / self._speed
                await self._clock.sleep(max(0.0, self._due - self._clock.monotonic()))
            before = quote.source_time
            self._next = quote
            self.symbols.add(quote.symbol)
            yield quote.symbol
        self.finished = True

    def pause(self) -> None:
        """Pause now: what is due next is due as much later."""
        self._due = self._clock.monotonic()

    def next_message(self) -> str:
        """Give the message of the quote that is due, stamped with the time now."""
        quote = self._next
        assert quote is not None, "due_symbols yielded"
        now = self._clock.micros()
        message = write_quote(msgspec.structs.replace(quote, source_time=now), now).decode()
        self._last_messages[quote.symbol] = message
        self._last_quotes[quote.symbol] = quote
        middle = (Decimal(quote.bid) + Decimal(quote.ask)) / 2
        before = self._statistics.get(quote.symbol, TickerStatistics(middle, middle, middle, middle))
        self._statistics[quote.symbol] = TickerStatistics(
            before.first, middle, max(before.high, middle), min(before.low, middle)
        )
        return message

    def last_message(self, symbol: str) -> str | None:
        """Give a symbol's last message, word for word."""
        return self._last_messages.get(symbol)

    def last_quote(self, symbol: str) -> FeedQuote | None:
        """Give a symbol's last quote; None before its first."""
        return self._last_quotes.get(symbol)

    def statistics(self, symbol: str) -> TickerStatistics | None:
        """Give the statistics of a symbol's `ticker`; None before its first quote."""
        return self._statistics.get(symbol)
