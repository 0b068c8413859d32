"""How one order gets to the venue, what is done when nobody knows whether it did, and how its end is learnt."""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from runtime.venue_keys import VenueKeys
from schemas.venue import (
    VenueCancelRejected,
    VenueOrderAbandoned,
    VenueOrderLost,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
)
from venue.binance import Binance, NoSuchOrder, NotSent, OutcomeUnknown, Refused
from venue.book import RESTING, UNDECIDED, Account, Entry, Stand
from venue.filters import Refusal
from venue.keys import KeyStore
from venue.log import EventLog
from venue.outcomes import events_of, executed_with, header, new_trades, now
from venue.pauses import pauses
from venue.reports import Report
from venue.resets import Resets
from venue.rules import Rules

# After a request's window the venue refuses it; our idea of its clock is right to within this.
MARGIN_MS: Final = 1_000
FILTER_FAILURE: Final = "Filter failure: "

DEADLINE_PASSED: Final = Refusal("DEADLINE_PASSED", "The order could not be sent in time; nothing was executed")
NO_KEYS: Final = Refusal("NO_KEYS", "There are no keys of the venue that could be used")
NOT_RECEIVED: Final = Refusal("NOT_RECEIVED", "The order never reached the venue; nothing was executed")
NOT_OPEN: Final = Refusal("ORDER_NOT_OPEN", "The order is not open at the venue")

log = structlog.get_logger(__name__)


class KeysMissing(Exception):
    """There are no keys to ask with."""


# What leaves a question open; it is asked again after a pause.
OPEN: Final = (NotSent, OutcomeUnknown, Refused, KeysMissing, SQLAlchemyError)
# Of these, what does not pass by itself: after a while nobody asks any more.
IN_VAIN: Final = (Refused, KeysMissing)


class Desk:
    """Works on orders. Each is worked on by one task at a time, which holds its lock."""

    def __init__(self, events: EventLog, venue: Binance, keys: KeyStore, rules: Rules, give_up_ms: int) -> None:
        self._events = events
        self._venue = venue
        self._keys = keys
        self._rules = rules
        self._resets = Resets(events, venue)
        self._give_up_us = give_up_ms * 1_000

    async def settle(self, entry: Entry) -> None:
        """Bring an order to where the venue has accepted or refused it, however often it has to be asked."""
        async with entry.lock:
            if entry.stand is Stand.RECEIVED:
                await self._submit(entry)
            elif entry.stand is Stand.SUBMITTED:
                await self._tell(VenueOrderUnknown(**header(entry), reason="the worker was started again"), entry)
            while entry.stand in UNDECIDED:
                if await self._ask(entry):
                    await self._submit(entry)

    async def refresh(self, entry: Entry) -> None:
        """Compare an order that rests at the venue with what the venue says of it; raises what leaves it open."""
        async with entry.lock:
            if entry.stand in RESTING:
                await self._compare(entry)

    async def take_execution(self, entry: Entry, report: Report) -> None:
        """Take in what the venue told by itself; raises what leaves it open."""
        async with entry.lock:
            await self._take(entry, report, await self._keys_of(entry.account))

    async def cancel(self, entry: Entry) -> None:
        """Cancel what rests of an order; whoever is still placing it is waited for."""
        async with entry.lock:
            for pause in pauses():
                if entry.stand not in RESTING:
                    if entry.stand is not Stand.CANCELLED:
                        await self._refuse_cancel(entry, NOT_OPEN)
                    return
                try:
                    keys = await self._keys_of(entry.account)
                    await self._take(entry, await self._venue.cancel(keys, entry.order), keys)
                except Refused as error:
                    await self._compare_quietly(entry)
                    if entry.stand is not Stand.CANCELLED:
                        await self._refuse_cancel(entry, Refusal(str(error.code), error.message))
                    return
                except OPEN as error:
                    log.info("cancel not done yet", order_id=entry.order.order_id, why=_why(error))
                    await asyncio.sleep(pause)
                    await self._compare_quietly(entry)

    async def was_reset(self, account: Account) -> bool | None:
        """Say whether the venue was reset; null where no order could show it. Raises what leaves the question open."""
        return await self._resets.came(account, await self._keys_of(account))

    async def _submit(self, entry: Entry) -> None:
        """Send an order until it was sent once, or must not be; its fate may be unknown afterwards."""
        for pause in pauses():
            try:
                keys = await self._keys.of(entry.account.account_id)
                refusal = await self._refusal(entry, keys)
                if refusal is None and keys is not None:
                    await self._venue.admit_order(keys)
                    if now() > entry.deadline:
                        refusal = DEADLINE_PASSED
                if refusal is not None or keys is None:
                    await self._reject(entry, refusal or NO_KEYS)
                    return
                sent_at = await self._venue.now_ms()
                # What is sent is in the log before: whoever takes over knows that it may have been.
                await self._tell(
                    VenueOrderSubmitted(
                        **header(entry),
                        attempt=entry.attempt + 1,
                        sent_at=sent_at,
                        receive_window=self._venue.window_ms,
                    ),
                    entry,
                )
                report = await self._venue.place(keys, entry.order, sent_at)
            except (NotSent, SQLAlchemyError) as error:
                log.info("order not sent yet", order_id=entry.order.order_id, why=_why(error))
                await asyncio.sleep(pause)
            except Refused as error:
                await self._reject(entry, _refusal_of(error))
                return
            except OutcomeUnknown as error:
                await self._tell(VenueOrderUnknown(**header(entry), reason=str(error)), entry)
                return
            else:
                await self._accept(entry, report, keys)
                return

    async def _refusal(self, entry: Entry, keys: VenueKeys | None) -> Refusal | None:
        if now() > entry.deadline:
            return DEADLINE_PASSED
        if keys is None:
            return NO_KEYS
        return await self._rules.refusal(entry.order)

    async def _accept(self, entry: Entry, report: Report, keys: VenueKeys) -> None:
        """Take in the reply to placing an order. What it leaves open is asked about; it is not sent again."""
        try:
            await self._take(entry, report, keys)
        except OPEN as error:
            await self._tell(VenueOrderUnknown(**header(entry), reason=_why(error)), entry)

    async def _ask(self, entry: Entry) -> bool:
        """Ask about an order until its fate is known; true where it never arrived and may be sent again."""
        for pause in pauses():
            asked_at = await self._asking_time()
            try:
                try:
                    keys, report = await self._question(entry)
                except NoSuchOrder:
                    if entry.era < entry.account.era:
                        await self._tell(VenueOrderLost(**header(entry)), entry)
                        return False
                    if asked_at is not None and asked_at > entry.sent_at + entry.window_ms + MARGIN_MS:
                        return await self._may_be_sent_again(entry)
                else:
                    await self._take(entry, report, keys)
                    return False
            except OPEN as error:
                if await self._gave_up(entry, error):
                    return False
                log.info("order still unknown", order_id=entry.order.order_id, why=_why(error))
            await asyncio.sleep(pause)
        raise AssertionError("pauses have no end")

    async def _asking_time(self) -> int | None:
        try:
            return await self._venue.now_ms()
        except NotSent:
            return None

    async def _may_be_sent_again(self, entry: Entry) -> bool:
        """Judge an order that the venue does not have and will refuse from now on; where it may not be sent, end it.

        It may have been executed and forgotten: only an older order that is still there shows that nothing was.
        """
        was_reset = await self.was_reset(entry.account)
        # By this look, or by another's that it waited for: then the orders that are there came after the reset.
        if entry.era < entry.account.era:
            await self._tell(VenueOrderLost(**header(entry)), entry)
            return False
        if was_reset is None or not entry.has_witness or now() > entry.deadline:
            await self._reject(entry, NOT_RECEIVED)
            return False
        return True

    async def _compare(self, entry: Entry) -> None:
        """Ask how a resting order stands. One that is gone is evidence of a reset, and lost."""
        try:
            keys, report = await self._question(entry)
        except NoSuchOrder:
            if await self._resets.took(entry, await self._keys_of(entry.account)):
                await self._tell(VenueOrderLost(**header(entry)), entry)
        except OPEN as error:
            if not await self._gave_up(entry, error):
                raise
        else:
            await self._take(entry, report, keys)

    async def _compare_quietly(self, entry: Entry) -> None:
        try:
            await self._compare(entry)
        except OPEN as error:
            log.info("order not compared", order_id=entry.order.order_id, why=_why(error))

    async def _question(self, entry: Entry) -> tuple[VenueKeys, Report]:
        """Ask how an order stands, and note since when that is in vain; NoSuchOrder where the venue has none."""
        try:
            keys = await self._keys_of(entry.account)
            report = await self._venue.order(keys, entry.order)
        except IN_VAIN:
            entry.in_vain_since = entry.in_vain_since or now()
            raise
        except NoSuchOrder:
            entry.in_vain_since = None
            raise
        entry.in_vain_since = None
        return keys, report

    async def _gave_up(self, entry: Entry, error: Exception) -> bool:
        """End an order that nobody could ask about for too long: the keys are gone, or the venue refuses them."""
        since = entry.in_vain_since
        if since is None or not isinstance(error, IN_VAIN) or now() < since + self._give_up_us:
            return False
        why = Refusal(str(error.code), error.message) if isinstance(error, Refused) else NO_KEYS
        await self._tell(VenueOrderAbandoned(**header(entry), code=why.code, message=why.message), entry)
        return True

    async def _take(self, entry: Entry, report: Report, keys: VenueKeys) -> None:
        """Write what a report adds. While a reset is being looked into, it waits; from before one, it is asked anew."""
        if entry.is_final:
            return
        account = entry.account
        async with account.lock:
            if entry.era < account.era:
                try:
                    report = await self._venue.order(keys, entry.order)
                except NoSuchOrder:
                    await self._tell(VenueOrderLost(**header(entry)), entry)
                    return
            new = new_trades(entry, report.trades)
            if executed_with(entry, new) < report.executed:
                trades = await self._venue.trades(keys, entry.order.symbol, report.venue_order_id)
                new = new_trades(entry, trades)
            events = events_of(entry, report, new)
            if events:
                await self._events.append(account.partition, *events)

    async def _keys_of(self, account: Account) -> VenueKeys:
        keys = await self._keys.of(account.account_id)
        if keys is None:
            raise KeysMissing(NO_KEYS.message)
        return keys

    async def _reject(self, entry: Entry, refusal: Refusal) -> None:
        await self._tell(VenueOrderRejected(**header(entry), code=refusal.code, message=refusal.message), entry)

    async def _refuse_cancel(self, entry: Entry, refusal: Refusal) -> None:
        await self._tell(VenueCancelRejected(**header(entry), code=refusal.code, message=refusal.message), entry)

    async def _tell(
        self,
        event: VenueOrderSubmitted
        | VenueOrderUnknown
        | VenueOrderLost
        | VenueOrderAbandoned
        | VenueOrderRejected
        | VenueCancelRejected,
        entry: Entry,
    ) -> None:
        await self._events.append(entry.account.partition, event)


def _refusal_of(error: Refused) -> Refusal:
    """Name a filter where the venue named one, else the venue's own number."""
    if error.message.startswith(FILTER_FAILURE):
        return Refusal(error.message.removeprefix(FILTER_FAILURE), error.message)
    return Refusal(str(error.code), error.message)


def _why(error: Exception) -> str:
    """Say what happened, without a database's statement or parameters."""
    return type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
