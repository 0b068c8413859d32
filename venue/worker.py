"""What the venue worker does all the time: take up commands, settle orders, follow the venue, compare with it."""

import asyncio
import re
from collections.abc import Awaitable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

import structlog

from runtime.pages import Readiness
from runtime.settings import Settings
from schemas.codec import NotDecodable
from schemas.venue import (
    CancelVenueOrder,
    PlaceVenueOrder,
    VenueCancelReceived,
    VenueCommandRejected,
    VenueEvent,
    VenueOrder,
    VenueOrderReceived,
    decode_venue_command,
)
from venue.binance import Binance, NotSent
from venue.book import RESTING, UNDECIDED, Account, Book, Entry
from venue.desk import OPEN, Desk
from venue.keys import KeyStore
from venue.log import EventLog, Taken, commands
from venue.outcomes import now
from venue.reports import of_execution
from venue.stream import Stream

COMPARE_CLOCKS_S: Final = 600.0
ORDER_ID: Final = re.compile(r"[.A-Za-z0-9:/_-]{1,36}")  # what the venue takes as a client order id
MS: Final = 1_000

log = structlog.get_logger(__name__)


class Worker:
    """Everything runs in one task group: what cannot be gone on with ends the process, and a new one reads the log."""

    def __init__(
        self, settings: Settings, book: Book, events: EventLog, venue: Binance, keys: KeyStore, desk: Desk
    ) -> None:
        self._settings = settings
        self._book = book
        self._events = events
        self._venue = venue
        self._keys = keys
        self._desk = desk
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._is_open = False

    async def run(self) -> None:
        """Take over from the writer before, and work until cancelled."""
        await self._events.open()
        log.info("venue worker took over", orders=len(self._book.entries), open=len(self._book.open))
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._is_open = True
            tasks.create_task(self._events.write_for_ever())
            for entry in list(self._book.open.values()):
                self._begin(entry)
            tasks.create_task(self._take_up_for_ever())
            tasks.create_task(self._reconcile_for_ever())
            tasks.create_task(self._keep_time())

    def readiness(self) -> Readiness:
        """Ready once the events are read: the venue's health is told on the status page."""
        return Readiness(ready=self._is_open, why=None if self._is_open else "The events are being read.")

    def status(self) -> Mapping[str, Any]:
        """Say how much is going on."""
        stands = [entry.stand.value for entry in list(self._book.open.values())]
        return {
            "orders": len(self._book.entries),
            "open": {stand: stands.count(stand) for stand in sorted(set(stands))},
            "streams": len(self._streams),
            "next_offsets": {str(partition): offset for partition, offset in sorted(self._book.next_offsets.items())},
        }

    async def _take_up_for_ever(self) -> None:
        async for batch in commands(self._settings, self._book.next_offsets):
            known: dict[tuple[str, str], VenueOrder] = {}
            answers = [(taken.partition, self._answer(taken, known)) for taken in batch]
            await asyncio.gather(
                *(
                    self._events.append(number, *(event for partition, event in answers if partition == number))
                    for number in {partition for partition, _ in answers}
                )
            )
            for _, event in answers:
                if isinstance(event, VenueOrderReceived | VenueCancelReceived):
                    assert event.account_id is not None, "an order has an account"
                    self._begin(self._book.entries[event.account_id, event.order.order_id])

    def _answer(self, taken: Taken, known: dict[tuple[str, str], VenueOrder]) -> VenueEvent:
        """Give the event by which a command is taken up. known: orders earlier in the same batch."""
        place: dict[str, Any] = {"seq": 0, "command_offset": taken.record.offset, "time": now()}
        try:
            command = decode_venue_command(taken.record.value)
        except NotDecodable as error:
            return VenueCommandRejected(
                **place, account_id=None, command_id=None, code="NOT_DECODABLE", message=str(error)
            )
        account_id = command.account_id
        refused = partial(VenueCommandRejected, **place, account_id=account_id, command_id=command.command_id)
        if taken.record.key != account_id.encode():
            return VenueCommandRejected(
                **place,
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
                if key in known or key in self._book.entries:
                    return refused(code="ORDER_ID_USED", message="There is an order of this id already")
                known[key] = order
                return VenueOrderReceived(**place, account_id=account_id, order=order, deadline=command.deadline)
            case CancelVenueOrder(order_id=order_id):
                entry = self._book.entries.get((account_id, order_id))
                found = known.get((account_id, order_id)) if entry is None else entry.order
                if found is None:
                    return refused(code="ORDER_UNKNOWN", message="There is no order of this id")
                return VenueCancelReceived(**place, account_id=account_id, order=found)

    def _begin(self, entry: Entry) -> None:
        """Do what is to be done for an order, and follow its account."""
        if entry.stand in UNDECIDED:
            self._start(self._desk.settle(entry))
        if entry.is_cancelling:
            self._start(self._desk.cancel(entry))
        account_id = entry.account.account_id
        if account_id not in self._streams and not entry.is_final:
            self._streams[account_id] = self._start(self._follow(entry.account))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None, "the worker runs"
        return self._tasks.create_task(work)

    async def _follow(self, account: Account) -> None:
        account_id = account.account_id
        stream = Stream(
            self._settings.binance_ws_url,
            account_id,
            lambda: self._keys.of(account_id),
            self._venue.now_ms,
            lambda: self._compare_all(account),
            lambda event: self._take_execution(account, event),
            lambda: self._has_open(account),
        )
        try:
            await stream.follow()
        finally:
            del self._streams[account_id]

    def _has_open(self, account: Account) -> bool:
        return any(entry.account is account for entry in self._book.open.values())

    def _compare_all(self, account: Account) -> None:
        for entry in list(self._book.open.values()):
            if entry.account is account and entry.stand in RESTING:
                self._start(self._quietly(self._desk.refresh(entry)))

    def _take_execution(self, account: Account, event: Mapping[str, Any]) -> None:
        try:
            report = of_execution(event)
        except (KeyError, ValueError, ArithmeticError) as error:
            log.warning("execution not understood", account_id=account.account_id, why=repr(error))
            return
        entry = self._book.entries.get((account.account_id, report.order_id))
        if entry is not None and not entry.is_final:
            self._start(self._quietly(self._desk.take_execution(entry, report)))

    async def _reconcile_for_ever(self) -> None:
        """Compare every open order with the venue, and where an account has none, see whether it was reset."""
        while True:
            await asyncio.sleep(self._settings.venue_reconcile_interval_ms / MS)
            for account in list(self._book.accounts.values()):
                resting = [
                    entry
                    for entry in list(self._book.open.values())
                    if entry.account is account and entry.stand in RESTING
                ]
                for entry in resting:
                    if not entry.lock.locked():  # Else somebody is asking about it already.
                        await self._quietly(self._desk.refresh(entry))
                if not resting and account.accepted:
                    await self._quietly(self._desk.was_reset(account))

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(COMPARE_CLOCKS_S)
            try:
                await self._venue.compare_clocks()
            except NotSent as error:
                log.info("clocks not compared", why=str(error))

    async def _quietly(self, work: Awaitable[object]) -> None:
        """Do what the next comparison does again where this one leaves it open."""
        try:
            await work
        except OPEN as error:
            log.info("not compared", why=type(error).__name__)
