"""What the outside venue's prices are, by which is valued what is held there: asked for, and kept for some seconds."""

from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from time import monotonic
from typing import Final, NamedTuple

import httpx
import structlog

from runtime.addresses import is_local

PATH: Final = "/api/v3/ticker/price"
TIMEOUT_S: Final = 1.5
KEPT_S: Final = 5.0
SILENT_S: Final = 30.0  # how long a venue that did not answer is not asked again


class VenuePrice(NamedTuple):
    """A symbol's last trade at the venue. asked_at: of this process's clock."""

    price: Decimal
    asked_at: float


class VenuePrices:
    """Keeps the last answers; used on the loop only."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._uses_proxy = not is_local(url)
        self._known: dict[str, VenuePrice] = {}
        self._silent_until = -SILENT_S

    async def of(self, symbols: Collection[str]) -> dict[str, Decimal]:
        """Give these symbols' prices, the last known where the venue does not answer; one that never was is missing."""
        now = monotonic()
        wanted = [
            symbol for symbol in symbols if symbol not in self._known or now - self._known[symbol].asked_at >= KEPT_S
        ]
        if wanted and now >= self._silent_until:
            await self._ask(wanted)
        return {symbol: self._known[symbol].price for symbol in symbols if symbol in self._known}

    async def _ask(self, symbols: list[str]) -> None:
        try:
            async with httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, trust_env=self._uses_proxy) as client:
                for symbol in symbols:
                    answer = (await client.get(PATH, params={"symbol": symbol})).raise_for_status().json()
                    self._known[symbol] = VenuePrice(Decimal(answer["price"]), monotonic())
        # Where a proxy is set that cannot be used, that is an ImportError, a ValueError or an InvalidURL.
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            ImportError,
            ValueError,
            KeyError,
            TypeError,
            InvalidOperation,
        ) as error:
            self._silent_until = monotonic() + SILENT_S
            structlog.get_logger().info("the venue's prices are not known", why=type(error).__name__)
