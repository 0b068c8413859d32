"""Whether the venue was reset, what shows it, and which orders came after the reset."""

import asyncio
from typing import Final

import structlog

from runtime.venue_keys import VenueKeys
from schemas.venue_messages import VenueReset
from venue.binance import Binance, NoSuchOrder, VenueRefused
from venue.execution_events import now
from venue.log import EventLog
from venue.order_cache import CachedOrder, VenueAccount

# The venue may not find at once what it has just accepted; so there are two queries, and none too early.
VISIBLE_AFTER_US: Final = 5_000_000
RECHECK_S: Final = 1.0
MISSING_IN_A_ROW: Final = 5
ARCHIVED: Final = -2026

log = structlog.get_logger(__name__)


class ResetDetector:
    """Checks one account at a time, under its lock, and appends each reset once."""

    def __init__(self, events: EventLog, client: Binance) -> None:
        self._events = events
        self._client = client

    async def detect(self, account: VenueAccount, keys: VenueKeys) -> bool | None:
        """Say whether the venue has forgotten the oldest order it should know, and append that; null without any.

        Every order of an epoch exists until the next reset, and the oldest has existed longest. Raises RETRYABLE
        errors.
        """
        async with account.lock:
            if not account.accepted:
                return None
            if not await self._is_missing(account.accepted[0], keys):
                return False
            await self._append_reset(account, keys)
            return True

    async def explains_missing(self, cached: CachedOrder, keys: VenueKeys) -> bool:
        """Say whether a reset is why the venue has not found an order; a reset that was not known is appended."""
        account = cached.account
        async with account.lock:
            if cached.epoch == account.epoch:
                if not await self._is_missing(cached, keys):
                    return False
                await self._append_reset(account, keys)
        return True

    async def _is_missing(self, cached: CachedOrder, keys: VenueKeys) -> bool:
        """Say whether the venue has forgotten an order it once accepted: two queries say so."""
        if await self._exists(cached, keys):
            return False
        await asyncio.sleep(RECHECK_S)
        return not await self._exists(cached, keys)

    async def _exists(self, cached: CachedOrder, keys: VenueKeys) -> bool:
        await asyncio.sleep(max(0.0, (cached.accepted_at + VISIBLE_AFTER_US - now()) / 1_000_000))
        try:
            await self._client.order(keys, cached.order)
        except NoSuchOrder:
            return False
        except VenueRefused as error:
            if error.code != ARCHIVED:
                raise
        return True

    async def _append_reset(self, account: VenueAccount, keys: VenueKeys) -> None:
        """Append that a reset came, and which orders came after it: the newest, back to where the venue has none.

        Replies overtake each other, so one that is gone does not say that all before it are; several do.
        """
        survivors: list[str] = []
        missing_in_a_row = 0
        for cached in reversed(account.accepted):
            if missing_in_a_row == MISSING_IN_A_ROW:
                break
            if await self._exists(cached, keys):
                survivors.append(cached.order.order_id)
                missing_in_a_row = 0
            else:
                missing_in_a_row += 1
        log.warning("the venue was reset", account_id=account.account_id, survivors=len(survivors))
        reset = VenueReset(
            seq=0,
            command_offset=None,
            account_id=account.account_id,
            time=now(),
            surviving_order_ids=tuple(survivors),
        )
        await self._events.append(account.partition, reset)
