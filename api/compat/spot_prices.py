"""The prices that seed 002's clients are sent: each encoded once for all of them."""

import asyncio
from typing import Any, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.compat.spot_views import price_view
from api.log.price_cache import CachedQuote
from api.stream.outbox import SocketOutbox
from api.stream.ticker_board import SENDS_MAX

PAUSE_S: Final = 0.25
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def message_text(kind: str, data: dict[str, Any]) -> str:
    """Write a message of this seed; its numbers are JSON numbers."""
    return _ENCODER.encode({"type": kind, "data": data}).decode()


class SpotPrices:
    """Used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._readers: set[SocketOutbox] = set()
        self._quotes: dict[str, CachedQuote] = {}
        self._texts: dict[str, str] = {}

    def subscribe(self, outbox: SocketOutbox) -> None:
        """Send a socket every price there is, and what becomes of them."""
        for symbol, text in self._texts.items():
            outbox.replace(symbol, text)
        self._readers.add(outbox)

    def unsubscribe(self, outbox: SocketOutbox) -> None:
        self._readers.discard(outbox)
        if not self._readers:
            # Nothing is published until the next one comes, who is not to begin with old prices.
            self._quotes.clear()
            self._texts.clear()

    async def publish_for_ever(self) -> None:
        """Send what is new, as often as there is time for."""
        while True:
            for symbol in tuple(self._app.prices.instruments):
                quote = self._app.prices.quote(symbol)
                if quote is not None and self._is_new(symbol, quote):
                    self._texts[symbol] = message_text("PRICE_UPDATE", await self._price(symbol, quote))
                    self._quotes[symbol] = quote
                    for outbox in tuple(self._readers):
                        outbox.replace(symbol, self._texts[symbol])
            await asyncio.sleep(max(PAUSE_S, len(self._readers) * len(self._texts) / SENDS_MAX))

    def _is_new(self, symbol: str, quote: CachedQuote) -> bool:
        before = self._quotes.get(symbol)
        return before is None or (before.bid, before.ask) != (quote.bid, quote.ask)

    async def _price(self, symbol: str, quote: CachedQuote) -> dict[str, Any]:
        try:
            day = (await self._app.day_stats.days()).get(symbol)
        except SQLAlchemyError:
            day = None
        return price_view(self._app.prices, self._app.prices.instruments[symbol], quote, day)
