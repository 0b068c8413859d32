"""For which symbols the feed still vouches: by an alive mark that names the last quote, while nothing contradicts it.

The rules behind the marks are PRICE-18 and PRICE-19. A `ticker` comes every second, whatever the quotes do, so it
vouches only while its last price is where the quote says the market is: as far outside bid and ask as the instrument's
spread may be wide, and no further. A trade of before the quote says nothing about it: while the last price is the one
that was known when the quote came, it contradicts nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from market_data.conversion import TickPrice, is_outside
from market_data.feed import FeedQuote
from schemas.messages import AliveMark, Instrument
from schemas.units import NotRepresentable, Timestamp

ALIVE_WITHIN_S: Final = 2.0
NEVER: Final = float("-inf")

Doubt = Literal[
    "never_quoted",
    "interrupted",
    "silent",
    "ill_formed",
    "not_representable",
    "out_of_time",
    "not_newer",
    "contradicted",
]


class Vouching:
    """The last well-formed quote of each symbol, and what speaks against it. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._marks: dict[str, AliveMark] = {}
        self._prices: dict[str, TickPrice] = {}
        self._doubts: dict[str, Doubt] = {}
        self._heard_at: dict[str, float] = {}
        self._last_trades: dict[str, str] = {}
        self._trades_at_quote: dict[str, str | None] = {}

    def add_quote(self, quote: FeedQuote, price: TickPrice, now: float) -> None:
        """Note a well-formed quote: it ends every doubt."""
        symbol = quote.symbol
        self._marks[symbol] = AliveMark(
            symbol=symbol, source_time=Timestamp(quote.source_time), update_id=quote.update_id
        )
        self._prices[symbol] = price
        self._trades_at_quote[symbol] = self._last_trades.get(symbol)
        self._doubts.pop(symbol, None)
        self._heard_at[symbol] = now

    def add_heartbeat(self, instrument: Instrument, last_price: str | None, now: float) -> None:
        """Note that the source is alive for a symbol. last_price: of its last trade, null where it does not say."""
        symbol = instrument.symbol
        self._heard_at[symbol] = now
        if last_price is None:
            return
        self._last_trades[symbol] = last_price
        price = self._prices.get(symbol)
        if price is None or last_price == self._trades_at_quote.get(symbol):
            return
        try:
            contradicts = is_outside(last_price, price, instrument)
        except NotRepresentable:
            contradicts = True
        if contradicts:
            self.doubt(symbol, "contradicted")

    def doubt(self, symbol: str, why: Doubt) -> None:
        """Vouch for no quote of a symbol until the next well-formed one."""
        self._doubts[symbol] = why

    def interrupt(self) -> None:
        """Vouch for nothing until it is quoted again: the source quotes on change only, and one may be missed."""
        self._doubts |= dict.fromkeys(self._marks, "interrupted")
        self._heard_at.clear()

    def why_not(self, symbol: str, now: float) -> Doubt | None:
        """Say why a symbol is not vouched for, or give null."""
        if symbol not in self._marks:
            return self._doubts.get(symbol, "never_quoted")
        if symbol in self._doubts:
            return self._doubts[symbol]
        return "silent" if now - self._heard_at.get(symbol, NEVER) > ALIVE_WITHIN_S else None

    def doubts(self, symbols: Iterable[str], now: float) -> Mapping[str, Doubt]:
        """Give which of these symbols are not vouched for, and why."""
        return {symbol: why for symbol in symbols if (why := self.why_not(symbol, now)) is not None}

    def marks(self, symbols: Iterable[str], now: float) -> tuple[AliveMark, ...]:
        """Give the marks of those of these symbols that are vouched for."""
        return tuple(self._marks[symbol] for symbol in symbols if self.why_not(symbol, now) is None)
