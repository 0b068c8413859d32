"""Whether the venue was reset, what shows it, and which orders came after the reset."""

import asyncio
from typing import Final

import structlog

from runtime.venue_keys import VenueKeys
from schemas.venue import VenueReset
from venue.binance import Binance, NoSuchOrder, Refused
from venue.book import Account, Entry
from venue.log import EventLog
from venue.outcomes import now

# The venue may not find at once what it has just accepted; so it is asked twice, and not too early.
SETTLED_US: Final = 5_000_000
SECOND_LOOK_S: Final = 1.0
GONE_IN_A_ROW: Final = 5
ARCHIVED: Final = -2026

log = structlog.get_logger(__name__)


class Resets:
    """Looks into one account at a time, under its lock, and tells the log of each reset once."""

    def __init__(self, events: EventLog, venue: Binance) -> None:
        self._events = events
        self._venue = venue

    async def came(self, account: Account, keys: VenueKeys) -> bool | None:
        """Say whether the venue has forgotten the oldest order it should know, and tell the log; null without any.

        Every order of an era is there while no reset has come, and the oldest is there longest. Raises what leaves the
        question open.
        """
        async with account.lock:
            if not account.accepted:
                return None
            if not await self._is_gone(account.accepted[0], keys):
                return False
            await self._tell(account, keys)
            return True

    async def took(self, entry: Entry, keys: VenueKeys) -> bool:
        """Say whether a reset is why the venue has not found an order; one that nobody knew of is told to the log."""
        account = entry.account
        async with account.lock:
            if entry.era == account.era:
                if not await self._is_gone(entry, keys):
                    return False
                await self._tell(account, keys)
        return True

    async def _is_gone(self, entry: Entry, keys: VenueKeys) -> bool:
        """Say whether the venue has forgotten an order it once accepted: it says so twice."""
        if await self._is_there(entry, keys):
            return False
        await asyncio.sleep(SECOND_LOOK_S)
        return not await self._is_there(entry, keys)

    async def _is_there(self, entry: Entry, keys: VenueKeys) -> bool:
        await asyncio.sleep(max(0.0, (entry.accepted_at + SETTLED_US - now()) / 1_000_000))
        try:
            await self._venue.order(keys, entry.order)
        except NoSuchOrder:
            return False
        except Refused as error:
            if error.code != ARCHIVED:
                raise
        return True

    async def _tell(self, account: Account, keys: VenueKeys) -> None:
        """Write that a reset came, and which orders came after it: the newest, back to where the venue has none.

        Replies overtake each other, so one that is gone does not say that all before it are; several do.
        """
        survivors: list[str] = []
        gone_in_a_row = 0
        for entry in reversed(account.accepted):
            if gone_in_a_row == GONE_IN_A_ROW:
                break
            if await self._is_there(entry, keys):
                survivors.append(entry.order.order_id)
                gone_in_a_row = 0
            else:
                gone_in_a_row += 1
        log.warning("the venue was reset", account_id=account.account_id, survivors=len(survivors))
        reset = VenueReset(
            seq=0,
            command_offset=None,
            account_id=account.account_id,
            time=now(),
            surviving_order_ids=tuple(survivors),
        )
        await self._events.append(account.partition, reset)
