"""What a user keeps at the exchange: price alerts, API keys, keys of the venue, and what became of orders there."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence

import msgspec

from reprise_client.asking import Asking, Number, digits, new_key
from reprise_client.calls import Answer
from reprise_client.models import Alert, Page, SavedKey, Scope, Venue, VenueKeys, VenueOrder


class Keeping(Asking):
    """The part of a client that keeps alerts and keys."""

    async def create_alert(
        self,
        symbol: str,
        price: Number,
        *,
        direction: str | None = None,
        note: str | None = None,
        key: str | None = None,
    ) -> Alert:
        """Be told once when the mid gets to a price. direction: above or below; None is towards the price from now."""
        body = {"symbol": symbol, "price": digits(price), "direction": direction, "note": note}
        done = await self._calls.command("POST", "/alerts", body, key or new_key())
        assert isinstance(done, Answer), "an alert is made at once or not at all"
        return msgspec.convert(done.body, Alert)

    def alerts(self, status: str | None = None) -> AsyncIterator[Alert]:
        """Go through your alerts, the last made first. status: active or triggered; all by default."""
        return self._pages("/alerts", Page[Alert], status=status)

    async def alert(self, alert_id: str) -> Alert:
        """Give one alert of yours."""
        return await self._calls.read(f"/alerts/{alert_id}", Alert)

    async def delete_alert(self, alert_id: str) -> None:
        """Delete an alert, whether it has triggered or not."""
        await self._calls.send("DELETE", f"/alerts/{alert_id}")

    async def create_api_key(self, public_key: bytes, scopes: Sequence[Scope], *, name: str | None = None) -> SavedKey:
        """Register the public half of an Ed25519 key, its 32 bytes. It needs a login, as everything about keys does."""
        given = {"public_key": b64encode(public_key).decode(), "scopes": list(scopes), "name": name}
        return msgspec.convert(await self._calls.send("POST", "/api-keys", given), SavedKey)

    async def api_keys(self) -> Sequence[SavedKey]:
        """List your API keys, the newest first."""
        return (await self._calls.read("/api-keys", Page[SavedKey])).items

    async def api_key(self, key_id: str) -> SavedKey:
        """Give one API key of yours."""
        return await self._calls.read(f"/api-keys/{key_id}", SavedKey)

    async def revoke_api_key(self, key_id: str) -> None:
        """Delete an API key: what it signs is refused from here on."""
        await self._calls.send("DELETE", f"/api-keys/{key_id}")

    async def has_venue_keys(self) -> bool:
        """Say whether keys of the venue are stored for you; the keys themselves are given to nobody."""
        return (await self._calls.read("/venue-keys", VenueKeys)).stored

    async def store_venue_keys(self, api_key: str, secret_key: str) -> None:
        """Store keys of the venue, sealed, in place of those there were."""
        await self._calls.send("PUT", "/venue-keys", {"api_key": api_key, "secret_key": secret_key})

    async def revoke_venue_keys(self) -> None:
        """Delete the stored keys of the venue."""
        await self._calls.send("DELETE", "/venue-keys")

    async def venue(self) -> Venue:
        """Say whether your spot orders are carried out at the venue, what you hold there, and how it is kept to."""
        return await self._calls.read("/venue", Venue)

    def venue_orders(self) -> AsyncIterator[VenueOrder]:
        """Go through your orders at the venue, newest first."""
        return self._pages("/venue/orders", Page[VenueOrder])

    async def venue_order(self, order_id: str) -> VenueOrder:
        """Give one order of yours at the venue."""
        return await self._calls.read(f"/venue/orders/{order_id}", VenueOrder)
