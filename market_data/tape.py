"""How a recording is played as if it were the market of this moment."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

import msgspec

from market_data.clock import Clock
from market_data.envelopes import write_quote
from market_data.feed import Quote
from market_data.recording import Recording
from market_data.streams import Statistics

MICROS_PER_SECOND: Final = 1_000_000


class Tape:
    """One recording, played once. Prices, sizes and update ids are the recording's; times are those of sending."""

    def __init__(self, recording: Recording, speed: float | None, clock: Clock) -> None:
        self.symbols = frozenset(recording.check())
        self.finished = False
        self._recording = recording
        self._speed = speed
        self._clock = clock
        self._due = 0.0
        self._next: Quote | None = None
        self._last_sent: dict[str, str] = {}
        self._statistics: dict[str, Statistics] = {}

    async def turns(self) -> AsyncIterator[str]:
        """Give each quote's symbol when its time comes; `send_next` is to be called before the next turn."""
        self.hold()
        before: int | None = None
        for quote in self._recording.quotes():
            if self._speed is None:
                await asyncio.sleep(0)
            else:
                self._due += max(0, quote.source_time - (before or quote.source_time)) / MICROS_PER_SECOND / self._speed
                await self._clock.sleep(max(0.0, self._due - self._clock.monotonic()))
            before = quote.source_time
            self._next = quote
            yield quote.symbol
        self.finished = True

    def hold(self) -> None:
        """Stand still at this moment: what is due next is due as much later."""
        self._due = self._clock.monotonic()

    def send_next(self) -> str:
        """Give the message of the quote whose turn it is, stamped with this moment."""
        quote = self._next
        assert quote is not None, "a turn came"
        now = self._clock.micros()
        message = write_quote(msgspec.structs.replace(quote, source_time=now), now).decode()
        self._last_sent[quote.symbol] = message
        middle = (Decimal(quote.bid) + Decimal(quote.ask)) / 2
        before = self._statistics.get(quote.symbol, Statistics(middle, middle, middle, middle))
        self._statistics[quote.symbol] = Statistics(
            before.first, middle, max(before.high, middle), min(before.low, middle)
        )
        return message

    def last_sent(self, symbol: str) -> str | None:
        """Give a symbol's last message, word for word."""
        return self._last_sent.get(symbol)

    def statistics(self, symbol: str) -> Statistics | None:
        """Give what a symbol's `ticker` says; None before its first quote."""
        return self._statistics.get(symbol)
