"""An order of unknown fate is sent again, or not: moments too short to be tested from outside."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from runtime.venue_keys import VenueKeys
from schemas.venue import (
    VenueEvent,
    VenueOrder,
    VenueOrderAbandoned,
    VenueOrderAccepted,
    VenueOrderReceived,
    VenueOrderSubmitted,
    VenueOrderUnknown,
    VenueReset,
)
from venue import resets
from venue.binance import NoSuchOrder, Refused
from venue.book import Book, Entry, Stand
from venue.desk import Desk, KeysMissing
from venue.reports import Report

NOW = time.time_ns() // 1_000
LONG_AGO = NOW - 60_000_000
GIVE_UP_MS = 300
NEVER = NOW + 86_400_000_000  # long after the last of a long run


def order(order_id: str) -> VenueOrder:
    return VenueOrder(
        order_id=order_id,
        symbol="BTCUSDT",
        side="buy",
        type="MARKET",
        quantity="1",
        price=None,
        stop_price=None,
        time_in_force=None,
    )


class Events:
    """A log that is a list."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.written: list[VenueEvent] = []

    async def append(self, partition: int, *events: VenueEvent) -> None:
        for event in events:
            numbered = msgspec.structs.replace(event, seq=len(self.written) + 1)
            self.written.append(numbered)
            self.book.apply(partition, numbered)


class Venue:
    """Knows some orders. `asked` is called at each question, before it is answered."""

    window_ms = 1_000

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.sent: list[str] = []
        self.asked: Callable[[str], Any] = lambda _order_id: None

    async def now_ms(self) -> int:
        return NOW // 1_000

    async def order(self, _keys: VenueKeys, asked: VenueOrder) -> Report:
        self.asked(asked.order_id)
        await asyncio.sleep(0)
        if asked.order_id not in self.known:
            raise NoSuchOrder(asked.order_id)
        raise AssertionError("only whether it is there matters here")

    async def admit_order(self, _keys: VenueKeys) -> None:
        return

    async def place(self, _keys: VenueKeys, asked: VenueOrder, _sent_at: int) -> Report:
        self.sent.append(asked.order_id)
        raise asyncio.CancelledError


class Keys:
    """Stored keys, unless they are lost."""

    def __init__(self) -> None:
        self.lost = False

    async def of(self, _account_id: str) -> VenueKeys | None:
        return None if self.lost else VenueKeys("key", "secret")


class Rules:
    async def refusal(self, _order: VenueOrder) -> None:
        return None


def unknown_order(witness: str | None) -> tuple[Book, Events, Entry]:
    """An order that was sent long ago and not heard of; witness: one the venue accepted before."""
    book = Book()
    events = Events(book)
    head: dict[str, Any] = {"seq": 0, "command_offset": None, "account_id": "a", "time": LONG_AGO}

    async def write() -> None:
        if witness is not None:
            older = order(witness)
            await events.append(0, VenueOrderReceived(**head, order=older, deadline=NEVER))
            await events.append(0, VenueOrderAccepted(**head, order=older, venue_order_id=1))
        asked = order("x")
        await events.append(
            0,
            VenueOrderReceived(**head, order=asked, deadline=NEVER),
            VenueOrderSubmitted(**head, order=asked, attempt=1, sent_at=LONG_AGO // 1_000, receive_window=1_000),
            VenueOrderUnknown(**head, order=asked, reason="no answer"),
        )

    asyncio.run(write())
    return book, events, book.entries["a", "x"]


def settle(events: Events, venue: Venue, entry: Entry, keys: Keys | None = None) -> None:
    stored = keys or Keys()
    desk = Desk(events, venue, stored, Rules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.

    async def run() -> None:
        with_timeout = asyncio.timeout(10)
        async with with_timeout:
            try:
                await desk.settle(entry)
            except asyncio.CancelledError:
                if not venue.sent:
                    raise

    asyncio.run(run())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resets, "SECOND_LOOK_S", 0.0)


class Refusing(Venue):
    """A venue that refuses the key; `comes_back`: the question at which it is good again, and the order new."""

    def __init__(self, comes_back: int | None = None) -> None:
        super().__init__()
        self.questions = 0
        self.comes_back = comes_back

    async def order(self, _keys: VenueKeys, asked: VenueOrder) -> Report:
        self.questions += 1
        if self.questions != self.comes_back:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.")
        nothing = Decimal(0)
        return Report(asked.symbol, asked.order_id, 1, "NEW", nothing, nothing, (), "NEW")


class Existing(Venue):
    """A venue that answers for what it knows."""

    async def order(self, keys: VenueKeys, asked: VenueOrder) -> Any:
        try:
            return await super().order(keys, asked)
        except AssertionError:
            return None


def test_an_unknown_order_is_sent_again_while_an_older_order_proves_there_was_no_reset() -> None:
    _, events, entry = unknown_order("witness")
    venue = Existing("witness")
    settle(events, venue, entry)
    assert venue.sent == ["x"]


def test_an_unknown_order_is_lost_where_the_older_order_is_gone() -> None:
    _, events, entry = unknown_order("witness")
    venue = Existing()
    settle(events, venue, entry)
    assert venue.sent == []
    assert [type(event).__name__ for event in events.written[-2:]] == ["VenueReset", "VenueOrderLost"]


def test_an_unknown_order_is_rejected_where_no_older_order_could_prove_anything() -> None:
    _, events, entry = unknown_order(None)
    venue = Existing()
    settle(events, venue, entry)
    assert venue.sent == []
    assert type(events.written[-1]).__name__ == "VenueOrderRejected"


def test_an_order_accepted_after_an_unknown_order_was_sent_proves_nothing() -> None:
    book, events, entry = unknown_order(None)
    head: dict[str, Any] = {"seq": 0, "command_offset": None, "account_id": "a", "time": LONG_AGO}
    later = order("later")
    asyncio.run(events.append(0, VenueOrderReceived(**head, order=later, deadline=NOW)))
    asyncio.run(events.append(0, VenueOrderAccepted(**head, order=later, venue_order_id=1)))
    assert book.accounts["a"].accepted
    venue = Existing("later")
    settle(events, venue, entry)
    assert venue.sent == []


def test_a_reset_found_during_the_query_loses_an_unknown_order_though_new_orders_exist() -> None:
    book, events, entry = unknown_order("witness")
    head: dict[str, Any] = {"seq": 0, "command_offset": None, "account_id": "a", "time": LONG_AGO}
    venue = Existing("survivor")

    async def told() -> None:
        new = order("survivor")
        await events.append(0, VenueOrderReceived(**head, order=new, deadline=NOW))
        await events.append(0, VenueOrderAccepted(**head, order=new, venue_order_id=1))
        await events.append(0, VenueReset(**head, surviving_order_ids=("survivor",)))

    async def run() -> None:
        account = book.accounts["a"]
        desk = Desk(events, venue, Keys(), Rules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.
        async with account.lock:  # The lock a check for a reset holds.
            settling = asyncio.create_task(desk.settle(entry))
            while not settling.done() and not account.lock._waiters:  # noqa: ASYNC110  # It is another's lock.
                await asyncio.sleep(0)
            await told()
        await settling

    asyncio.run(run())
    assert venue.sent == []
    assert type(events.written[-1]).__name__ == "VenueOrderLost"


def test_an_unknown_order_without_keys_is_retried_for_a_while_and_then_abandoned_with_a_reason() -> None:
    _, events, entry = unknown_order(None)
    keys = Keys()
    keys.lost = True
    began = time.monotonic()
    settle(events, Venue(), entry, keys)
    assert time.monotonic() - began >= GIVE_UP_MS / 1_000
    abandoned = events.written[-1]
    assert isinstance(abandoned, VenueOrderAbandoned)
    assert (abandoned.code, entry.stand) == ("NO_KEYS", Stand.ABANDONED)
    assert entry.is_final


def test_an_unknown_order_whose_keys_the_venue_refuses_is_abandoned_with_the_venue_s_error_code() -> None:
    _, events, entry = unknown_order(None)
    venue = Refusing()
    settle(events, venue, entry)
    abandoned = events.written[-1]
    assert isinstance(abandoned, VenueOrderAbandoned)
    assert (abandoned.code, venue.questions > 1, venue.sent) == ("-2015", True, [])


def test_a_resting_order_is_abandoned_only_after_every_query_failed_for_the_whole_period() -> None:
    book, events, _ = unknown_order("resting")
    resting = book.entries["a", "resting"]
    keys, venue = Keys(), Refusing(comes_back=2)
    desk = Desk(events, venue, keys, Rules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.

    async def run() -> None:
        with pytest.raises(Refused):
            await desk.refresh(resting)
        await asyncio.sleep(GIVE_UP_MS / 1_000)
        await desk.refresh(resting)
        keys.lost = True
        with pytest.raises(KeysMissing):
            await desk.refresh(resting)
        assert resting.stand is Stand.ACCEPTED
        await asyncio.sleep(GIVE_UP_MS / 1_000)
        await desk.refresh(resting)

    asyncio.run(run())
    assert resting.stand is Stand.ABANDONED
