"""What can be asked of the market: what is traded, at which prices."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from reprise_client.asking import Asking
from reprise_client.models import Candle, Instrument, Page, Ticker


class Market(Asking):
    """The part of a client that asks about the market; it needs no login."""

    async def instruments(self) -> Sequence[Instrument]:
        """List what may be traded."""
        return (await self._calls.read("/instruments", Page[Instrument])).items

    async def tickers(self) -> Sequence[Ticker]:
        """List the prices."""
        return (await self._calls.read("/tickers", Page[Ticker])).items

    def candles(
        self, symbol: str, interval: str = "1m", *, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[Candle]:
        """Go through a symbol's candles, newest first. end: they start before it."""
        times = {name: moment.isoformat() for name, moment in (("from", start), ("to", end)) if moment is not None}
        return self._pages("/candles", Page[Candle], symbol=symbol, interval=interval, **times)
