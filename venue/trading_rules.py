"""Whether an order may be sent at all: the venue's rules, kept for an hour, and its average price where it counts."""

import time
from decimal import Decimal
from typing import Final

from schemas.venue_messages import VenueOrder
from venue.binance import Binance, NotSent, OutcomeUnknown, VenueRefused
from venue.filters import Refusal, SymbolRules, needs_average_price, refusal_of

KEPT_S: Final = 3_600.0


class TradingRules:
    """Checks orders by the venue's own rules, which it loads and keeps."""

    def __init__(self, client: Binance) -> None:
        self._client = client
        self._symbols: dict[str, SymbolRules] = {}
        self._loaded_at: float | None = None

    async def refusal(self, order: VenueOrder) -> Refusal | None:
        """Say why the order is not sent, or null. Raises NotSent where the rules cannot be loaded."""
        try:
            return await self._check(order)
        except (OutcomeUnknown, VenueRefused) as error:
            raise NotSent(f"the venue's rules are not known: {error}") from error

    async def _check(self, order: VenueOrder) -> Refusal | None:
        if self._loaded_at is None or time.monotonic() - self._loaded_at > KEPT_S:
            self._symbols = await self._client.symbols()
            self._loaded_at = time.monotonic()
        rules = self._symbols.get(order.symbol)
        if rules is None:
            return Refusal("SYMBOL_UNKNOWN", f"The venue has no symbol {order.symbol[:40]!r}")
        return refusal_of(order, rules, await self._average_price(order) if needs_average_price(order, rules) else None)

    async def _average_price(self, order: VenueOrder) -> Decimal | None:
        """Give the price a market order is judged by; without it, that judgement is left to the venue."""
        try:
            return await self._client.average_price(order.symbol)
        except (NotSent, OutcomeUnknown, VenueRefused):
            return None
