"""What the venue worker does all the time: consume commands, execute orders, follow the venue, reconcile with it."""

import asyncio
import re
from collections.abc import Awaitable, Coroutine, Mapping
from functools import partial
from typing import Any, Final, assert_never

import structlog

from runtime.pages import Readiness
from runtime.settings import Settings
from schemas.codec import NotDecodable
from schemas.venue import decode_venue_command
from schemas.venue_messages import (
    CancelVenueOrder,
    PlaceVenueOrder,
    VenueCancelReceived,
    VenueCommandRejected,
    VenueEvent,
    VenueOrder,
    VenueOrderReceived,
)
from venue.binance import Binance, NotSent
from venue.execution_events import now
from venue.failures import RETRYABLE
from venue.keys import KeyStore
from venue.log import ConsumedCommand, EventLog, read_commands
from venue.order_cache import IN_FLIGHT, RESTING, CachedOrder, OrderCache, VenueAccount
from venue.order_executor import OrderExecutor
from venue.reports import report_of_event
from venue.user_data_stream import UserDataStream

SYNC_CLOCK_S: Final = 600.0
ORDER_ID: Final = re.compile(r"[.A-Za-z0-9:/_-]{1,36}")  # what the venue takes as a client order id
MS: Final = 1_000

log = structlog.get_logger(__name__)


class VenueWorker:
    """Everything runs in one task group: an error that is not handled ends the process, and a new one reads the log."""

    def __init__(
        self,
        settings: Settings,
        cache: OrderCache,
        events: EventLog,
        client: Binance,
        keys: KeyStore,
        executor: OrderExecutor,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._events = events
        self._client = client
        self._keys = keys
        self._executor = executor
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._is_started = False

    async def run(self) -> None:
        """Fence the worker before, and work until cancelled."""
        await self._events.open()
        log.info("venue worker took over", orders=len(self._cache.orders), open=len(self._cache.open_orders))
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._is_started = True
            tasks.create_task(self._events.write_for_ever())
            for cached in list(self._cache.open_orders.values()):
                self._start_work(cached)
            tasks.create_task(self._consume_commands())
            tasks.create_task(self._reconcile_periodically())
            tasks.create_task(self._sync_clock_periodically())

    def readiness(self) -> Readiness:
        """Ready once the events are read. The venue's health is no part of it."""
        return Readiness(ready=self._is_started, why=None if self._is_started else "The events are being read.")

    def status(self) -> Mapping[str, Any]:
        """Give the numbers of the status page."""
        statuses = [cached.status.value for cached in list(self._cache.open_orders.values())]
        return {
            "orders": len(self._cache.orders),
            "open": {status: statuses.count(status) for status in sorted(set(statuses))},
            "streams": len(self._streams),
            "next_offsets": {str(partition): offset for partition, offset in sorted(self._cache.next_offsets.items())},
        }

    async def _consume_commands(self) -> None:
        async for batch in read_commands(self._settings, self._cache.next_offsets):
            in_batch: dict[tuple[str, str], VenueOrder] = {}
            events = [(consumed.partition, self._event_of(consumed, in_batch)) for consumed in batch]
            await asyncio.gather(
                *(
                    self._events.append(number, *(event for partition, event in events if partition == number))
                    for number in {partition for partition, _ in events}
                )
            )
            for _, event in events:
                if isinstance(event, VenueOrderReceived | VenueCancelReceived):
                    assert event.account_id is not None, "an order has an account"
                    self._start_work(self._cache.orders[event.account_id, event.order.order_id])

    def _event_of(self, consumed: ConsumedCommand, in_batch: dict[tuple[str, str], VenueOrder]) -> VenueEvent:
        """Give the event that answers a command. in_batch: orders placed earlier in the same batch."""
        header: dict[str, Any] = {"seq": 0, "command_offset": consumed.record.offset, "time": now()}
        try:
            command = decode_venue_command(consumed.record.value)
        except NotDecodable as error:
            return VenueCommandRejected(
                **header, account_id=None, command_id=None, code="NOT_DECODABLE", message=str(error)
            )
        account_id = command.account_id
        refused = partial(VenueCommandRejected, **header, account_id=account_id, command_id=command.command_id)
        if consumed.record.key != account_id.encode():
            return VenueCommandRejected(
                **header,
                account_id=None,
                command_id=command.command_id,
                code="WRONG_KEY",
                message="The record's key is not its account",
            )
        match command:
            case PlaceVenueOrder(order=order):
                key = (account_id, order.order_id)
                if not ORDER_ID.fullmatch(order.order_id):
                    return refused(code="ORDER_ID", message="The venue takes no such client order id")
                if key in in_batch or key in self._cache.orders:
                    return refused(code="ORDER_ID_USED", message="There is an order of this id already")
                in_batch[key] = order
                return VenueOrderReceived(**header, account_id=account_id, order=order, deadline=command.deadline)
            case CancelVenueOrder(order_id=order_id):
                cached = self._cache.orders.get((account_id, order_id))
                found = in_batch.get((account_id, order_id)) if cached is None else cached.order
                if found is None:
                    return refused(code="ORDER_UNKNOWN", message="There is no order of this id")
                return VenueCancelReceived(**header, account_id=account_id, order=found)
            case _:
                assert_never(command)

    def _start_work(self, cached: CachedOrder) -> None:
        """Start the tasks an order needs, and follow its account."""
        if cached.status in IN_FLIGHT:
            self._spawn(self._executor.execute(cached))
        if cached.is_cancelling:
            self._spawn(self._executor.cancel(cached))
        account_id = cached.account.account_id
        if account_id not in self._streams and not cached.is_final:
            self._streams[account_id] = self._spawn(self._follow_user_data(cached.account))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None, "the worker runs"
        return self._tasks.create_task(work)

    async def _follow_user_data(self, account: VenueAccount) -> None:
        account_id = account.account_id
        stream = UserDataStream(
            self._settings.binance_ws_url,
            account_id,
            lambda: self._keys.of(account_id),
            self._client.now_ms,
            lambda: self._reconcile_account(account),
            lambda event: self._apply_execution(account, event),
            lambda: self._has_open(account),
        )
        try:
            await stream.follow()
        finally:
            del self._streams[account_id]

    def _has_open(self, account: VenueAccount) -> bool:
        return any(cached.account is account for cached in self._cache.open_orders.values())

    def _reconcile_account(self, account: VenueAccount) -> None:
        for cached in list(self._cache.open_orders.values()):
            if cached.account is account and cached.status in RESTING:
                self._spawn(self._log_retryable(self._executor.reconcile(cached)))

    def _apply_execution(self, account: VenueAccount, event: Mapping[str, Any]) -> None:
        try:
            report = report_of_event(event)
        except (KeyError, ValueError, ArithmeticError) as error:
            log.warning("execution not understood", account_id=account.account_id, why=repr(error))
            return
        cached = self._cache.orders.get((account.account_id, report.order_id))
        if cached is not None and not cached.is_final:
            self._spawn(self._log_retryable(self._executor.apply_execution(cached, report)))

    async def _reconcile_periodically(self) -> None:
        """Compare every open order with the venue, and where an account has none, check whether it was reset."""
        while True:
            await asyncio.sleep(self._settings.venue_reconcile_interval_ms / MS)
            for account in list(self._cache.accounts.values()):
                resting = [
                    cached
                    for cached in list(self._cache.open_orders.values())
                    if cached.account is account and cached.status in RESTING
                ]
                for cached in resting:
                    if not cached.lock.locked():  # Else a task queries it already.
                        await self._log_retryable(self._executor.reconcile(cached))
                if not resting and account.accepted:
                    await self._log_retryable(self._executor.was_reset(account))

    async def _sync_clock_periodically(self) -> None:
        while True:
            await asyncio.sleep(SYNC_CLOCK_S)
            try:
                await self._client.sync_clock()
            except NotSent as error:
                log.info("clocks not compared", why=str(error))

    async def _log_retryable(self, work: Awaitable[object]) -> None:
        """Await it; where it fails, the next reconciliation does it again."""
        try:
            await work
        except RETRYABLE as error:
            log.info("not compared", why=type(error).__name__)
