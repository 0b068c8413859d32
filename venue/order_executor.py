"""How one order is sent to the venue, what is done while its fate is unknown, and how its end is learnt."""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from runtime.venue_keys import VenueKeys
from schemas.venue_messages import (
    VenueCancelRejected,
    VenueOrderAbandoned,
    VenueOrderEvent,
    VenueOrderLost,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
)
from venue.backoff import backoff_pauses
from venue.binance import Binance, NoSuchOrder, NotSent, OutcomeUnknown, VenueRefused
from venue.execution_events import event_header, events_of_report, executed_after, new_trades, now
from venue.failures import (
    DEADLINE_PASSED,
    NO_KEYS,
    NOT_OPEN,
    NOT_RECEIVED,
    PERSISTENT,
    RETRYABLE,
    KeysMissing,
    error_text,
    refusal_of_error,
)
from venue.filters import Refusal
from venue.keys import KeyStore
from venue.log import EventLog
from venue.order_cache import IN_FLIGHT, RESTING, CachedOrder, OrderStatus, VenueAccount
from venue.reports import ExecutionReport
from venue.resets import ResetDetector
from venue.trading_rules import TradingRules

# After a request's window the venue refuses it; our idea of its clock is right to within this.
CLOCK_MARGIN_MS: Final = 1_000

log = structlog.get_logger(__name__)


class OrderExecutor:
    """Executes orders. One task at a time works on an order, and holds its lock."""

    def __init__(
        self, events: EventLog, client: Binance, keys: KeyStore, trading_rules: TradingRules, give_up_ms: int
    ) -> None:
        self._events = events
        self._client = client
        self._keys = keys
        self._trading_rules = trading_rules
        self._resets = ResetDetector(events, client)
        self._give_up_us = give_up_ms * 1_000

    async def execute(self, cached: CachedOrder) -> None:
        """Bring an order to where the venue has accepted or refused it, however many queries that takes."""
        async with cached.lock:
            if cached.status is OrderStatus.RECEIVED:
                await self._submit(cached)
            elif cached.status is OrderStatus.SUBMITTED:
                await self._append(
                    cached, VenueOrderUnknown(**event_header(cached), reason="the worker was started again")
                )
            while cached.status in IN_FLIGHT:
                if await self._resolve_unknown(cached):
                    await self._submit(cached)

    async def reconcile(self, cached: CachedOrder) -> None:
        """Compare a resting order with the venue's report of it; raises RETRYABLE errors."""
        async with cached.lock:
            if cached.status in RESTING:
                await self._reconcile(cached)

    async def apply_execution(self, cached: CachedOrder, report: ExecutionReport) -> None:
        """Apply an execution report of the user data stream; raises RETRYABLE errors."""
        async with cached.lock:
            await self._apply_report(cached, report, await self._keys_of(cached.account))

    async def cancel(self, cached: CachedOrder) -> None:
        """Cancel the resting part of an order; the lock waits for a task that still places it."""
        async with cached.lock:
            for pause in backoff_pauses():
                if cached.status not in RESTING:
                    if cached.status is not OrderStatus.CANCELLED:
                        await self._reject_cancel(cached, NOT_OPEN)
                    return
                try:
                    keys = await self._keys_of(cached.account)
                    await self._apply_report(cached, await self._client.cancel(keys, cached.order), keys)
                except VenueRefused as error:
                    await self._try_reconcile(cached)
                    if cached.status is not OrderStatus.CANCELLED:
                        await self._reject_cancel(cached, Refusal(str(error.code), error.message))
                    return
                except RETRYABLE as error:
                    log.info("cancel not done yet", order_id=cached.order.order_id, why=error_text(error))
                    await asyncio.sleep(pause)
                    await self._try_reconcile(cached)

    async def was_reset(self, account: VenueAccount) -> bool | None:
        """Say whether the venue was reset; null where no order could show it. Raises RETRYABLE errors."""
        return await self._resets.detect(account, await self._keys_of(account))

    async def _submit(self, cached: CachedOrder) -> None:
        """Retry until the order was sent once, or must not be; its fate may be unknown afterwards."""
        for pause in backoff_pauses():
            try:
                keys = await self._keys.of(cached.account.account_id)
                refusal = await self._refusal(cached, keys)
                if refusal is None and keys is not None:
                    await self._client.admit_order(keys)
                    if now() > cached.deadline:
                        refusal = DEADLINE_PASSED
                if refusal is not None or keys is None:
                    await self._reject(cached, refusal or NO_KEYS)
                    return
                sent_at = await self._client.now_ms()
                # The event is committed before the request is sent: the next worker knows that it may have been.
                await self._append(
                    cached,
                    VenueOrderSubmitted(
                        **event_header(cached),
                        attempt=cached.attempt + 1,
                        sent_at=sent_at,
                        receive_window=self._client.window_ms,
                    ),
                )
                report = await self._client.place(keys, cached.order, sent_at)
            except (NotSent, SQLAlchemyError) as error:
                log.info("order not sent yet", order_id=cached.order.order_id, why=error_text(error))
                await asyncio.sleep(pause)
            except VenueRefused as error:
                await self._reject(cached, refusal_of_error(error))
                return
            except OutcomeUnknown as error:
                await self._append(cached, VenueOrderUnknown(**event_header(cached), reason=str(error)))
                return
            else:
                await self._accept(cached, report, keys)
                return

    async def _refusal(self, cached: CachedOrder, keys: VenueKeys | None) -> Refusal | None:
        if now() > cached.deadline:
            return DEADLINE_PASSED
        if keys is None:
            return NO_KEYS
        return await self._trading_rules.refusal(cached.order)

    async def _accept(self, cached: CachedOrder, report: ExecutionReport, keys: VenueKeys) -> None:
        """Apply the reply to placing an order. Where that fails the order is queried; it is not sent again."""
        try:
            await self._apply_report(cached, report, keys)
        except RETRYABLE as error:
            await self._append(cached, VenueOrderUnknown(**event_header(cached), reason=error_text(error)))

    async def _resolve_unknown(self, cached: CachedOrder) -> bool:
        """Query an order until its fate is known; true where it never arrived and may be sent again."""
        for pause in backoff_pauses():
            queried_at = await self._venue_time()
            try:
                try:
                    keys, report = await self._query(cached)
                except NoSuchOrder:
                    if cached.epoch < cached.account.epoch:
                        await self._append(cached, VenueOrderLost(**event_header(cached)))
                        return False
                    if queried_at is not None and queried_at > cached.sent_at + cached.window_ms + CLOCK_MARGIN_MS:
                        return await self._may_resend(cached)
                else:
                    await self._apply_report(cached, report, keys)
                    return False
            except RETRYABLE as error:
                if await self._abandon(cached, error):
                    return False
                log.info("order still unknown", order_id=cached.order.order_id, why=error_text(error))
            await asyncio.sleep(pause)
        raise AssertionError("pauses have no end")

    async def _venue_time(self) -> int | None:
        try:
            return await self._client.now_ms()
        except NotSent:
            return None

    async def _may_resend(self, cached: CachedOrder) -> bool:
        """Judge an order that the venue does not have and will refuse from now on; where it may not be sent, end it.

        It may have been executed and forgotten: only an older order that is still there shows that nothing was.
        """
        was_reset = await self.was_reset(cached.account)
        # By this check, or by another task's that it waited for: then the orders that exist came after the reset.
        if cached.epoch < cached.account.epoch:
            await self._append(cached, VenueOrderLost(**event_header(cached)))
            return False
        if was_reset is None or not cached.has_older_order or now() > cached.deadline:
            await self._reject(cached, NOT_RECEIVED)
            return False
        return True

    async def _reconcile(self, cached: CachedOrder) -> None:
        """Query a resting order. One that is missing is evidence of a reset, and lost."""
        try:
            keys, report = await self._query(cached)
        except NoSuchOrder:
            if await self._resets.explains_missing(cached, await self._keys_of(cached.account)):
                await self._append(cached, VenueOrderLost(**event_header(cached)))
        except RETRYABLE as error:
            if not await self._abandon(cached, error):
                raise
        else:
            await self._apply_report(cached, report, keys)

    async def _try_reconcile(self, cached: CachedOrder) -> None:
        try:
            await self._reconcile(cached)
        except RETRYABLE as error:
            log.info("order not compared", order_id=cached.order.order_id, why=error_text(error))

    async def _query(self, cached: CachedOrder) -> tuple[VenueKeys, ExecutionReport]:
        """Query an order, and note since when its queries fail; NoSuchOrder where the venue has none."""
        try:
            keys = await self._keys_of(cached.account)
            report = await self._client.order(keys, cached.order)
        except PERSISTENT:
            cached.unanswered_since = cached.unanswered_since or now()
            raise
        except NoSuchOrder:
            cached.unanswered_since = None
            raise
        cached.unanswered_since = None
        return keys, report

    async def _abandon(self, cached: CachedOrder, error: Exception) -> bool:
        """End an order whose queries have failed for too long: the keys are gone, or the venue refuses them."""
        since = cached.unanswered_since
        if since is None or not isinstance(error, PERSISTENT) or now() < since + self._give_up_us:
            return False
        why = Refusal(str(error.code), error.message) if isinstance(error, VenueRefused) else NO_KEYS
        await self._append(cached, VenueOrderAbandoned(**event_header(cached), code=why.code, message=why.message))
        return True

    async def _apply_report(self, cached: CachedOrder, report: ExecutionReport, keys: VenueKeys) -> None:
        """Write what a report adds. It waits while a reset is checked; a report from before one is queried anew."""
        if cached.is_final:
            return
        account = cached.account
        async with account.lock:
            if cached.epoch < account.epoch:
                try:
                    report = await self._client.order(keys, cached.order)
                except NoSuchOrder:
                    await self._append(cached, VenueOrderLost(**event_header(cached)))
                    return
            new = new_trades(cached, report.trades)
            if executed_after(cached, new) < report.executed:
                trades = await self._client.trades(keys, cached.order.symbol, report.venue_order_id)
                new = new_trades(cached, trades)
            events = events_of_report(cached, report, new)
            if events:
                await self._events.append(account.partition, *events)

    async def _keys_of(self, account: VenueAccount) -> VenueKeys:
        keys = await self._keys.of(account.account_id)
        if keys is None:
            raise KeysMissing(NO_KEYS.message)
        return keys

    async def _reject(self, cached: CachedOrder, refusal: Refusal) -> None:
        await self._append(
            cached, VenueOrderRejected(**event_header(cached), code=refusal.code, message=refusal.message)
        )

    async def _reject_cancel(self, cached: CachedOrder, refusal: Refusal) -> None:
        await self._append(
            cached, VenueCancelRejected(**event_header(cached), code=refusal.code, message=refusal.message)
        )

    async def _append(self, cached: CachedOrder, event: VenueOrderEvent) -> None:
        await self._events.append(cached.account.partition, event)
