"""An order of unknown fate is sent again, or not: moments too short to be tested from outside."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from runtime.venue_keys import VenueKeys
from schemas.record import replace
from schemas.venue_messages import (
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
from venue.binance import NoSuchOrder, VenueRefused
from venue.failures import KeysMissing
from venue.order_cache import CachedOrder, OrderCache, OrderStatus
from venue.order_executor import OrderExecutor
from venue.reports import ExecutionReport

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

    def __init__(self, cache: OrderCache) -> None:
        self.cache = cache
        self.written: list[VenueEvent] = []

    async def append(self, partition: int, *events: VenueEvent) -> None:
        for event in events:
            numbered = replace(event, seq=len(self.written) + 1)
            self.written.append(numbered)
            self.cache.apply(partition, numbered)


class Venue:
    """Knows some orders. `asked` is called at each query, before the answer."""

    window_ms = 1_000

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.sent: list[str] = []
        self.asked: Callable[[str], Any] = lambda _order_id: None

    async def now_ms(self) -> int:
        return NOW // 1_000

    async def order(self, _keys: VenueKeys, asked: VenueOrder) -> ExecutionReport:
        self.asked(asked.order_id)
        await asyncio.sleep(0)
        if asked.order_id not in self.known:
            raise NoSuchOrder(asked.order_id)
        raise AssertionError("only whether it is there matters here")

    async def admit_order(self, _keys: VenueKeys) -> None:
        return

    async def place(self, _keys: VenueKeys, asked: VenueOrder, _sent_at: int) -> ExecutionReport:
        self.sent.append(asked.order_id)
        raise asyncio.CancelledError


class Keys:
    """Stored keys, unless they are lost."""

    def __init__(self) -> None:
        self.lost = False

    async def of(self, _account_id: str) -> VenueKeys | None:
        return None if self.lost else VenueKeys("key", "secret")


class TradingRules:
    async def refusal(self, _order: VenueOrder) -> None:
        return None


def unknown_order(witness: str | None) -> tuple[OrderCache, Events, CachedOrder]:
    """An order that was sent long ago and not heard of; witness: one the venue accepted before."""
    cache = OrderCache()
    events = Events(cache)
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
    return cache, events, cache.orders["a", "x"]


def execute(events: Events, venue: Venue, cached: CachedOrder, keys: Keys | None = None) -> None:
    stored = keys or Keys()
    executor = OrderExecutor(events, venue, stored, TradingRules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.

    async def run() -> None:
        with_timeout = asyncio.timeout(10)
        async with with_timeout:
            try:
                await executor.execute(cached)
            except asyncio.CancelledError:
                if not venue.sent:
                    raise

    asyncio.run(run())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resets, "RECHECK_S", 0.0)


class Refusing(Venue):
    """A venue that refuses the key; `comes_back`: the question at which it is good again, and the order new."""

    def __init__(self, comes_back: int | None = None) -> None:
        super().__init__()
        self.questions = 0
        self.comes_back = comes_back

    async def order(self, _keys: VenueKeys, asked: VenueOrder) -> ExecutionReport:
        self.questions += 1
        if self.questions != self.comes_back:
            raise VenueRefused(-2015, "Invalid API-key, IP, or permissions for action.")
        nothing = Decimal(0)
        return ExecutionReport(asked.symbol, asked.order_id, 1, "NEW", nothing, nothing, (), "NEW")


class Existing(Venue):
    """A venue that answers for what it knows."""

    async def order(self, keys: VenueKeys, asked: VenueOrder) -> Any:
        try:
            return await super().order(keys, asked)
        except AssertionError:
            return None


def test_an_unknown_order_is_sent_again_while_an_older_order_proves_there_was_no_reset() -> None:
    _, events, cached = unknown_order("witness")
    venue = Existing("witness")
    execute(events, venue, cached)
    assert venue.sent == ["x"]


def test_an_unknown_order_is_lost_where_the_older_order_is_gone() -> None:
    _, events, cached = unknown_order("witness")
    venue = Existing()
    execute(events, venue, cached)
    assert venue.sent == []
    assert [type(event).__name__ for event in events.written[-2:]] == ["VenueReset", "VenueOrderLost"]


def test_an_unknown_order_is_rejected_where_no_older_order_could_prove_anything() -> None:
    _, events, cached = unknown_order(None)
    venue = Existing()
    execute(events, venue, cached)
    assert venue.sent == []
    assert type(events.written[-1]).__name__ == "VenueOrderRejected"


def test_an_order_accepted_after_an_unknown_order_was_sent_proves_nothing() -> None:
    cache, events, cached = unknown_order(None)
    head: dict[str, Any] = {"seq": 0, "command_offset": None, "account_id": "a", "time": LONG_AGO}
    later = order("later")
    asyncio.run(events.append(0, VenueOrderReceived(**head, order=later, deadline=NOW)))
    asyncio.run(events.append(0, VenueOrderAccepted(**head, order=later, venue_order_id=1)))
    assert cache.accounts["a"].accepted
    venue = Existing("later")
    execute(events, venue, cached)
    assert venue.sent == []


def test_a_reset_found_during_the_query_loses_an_unknown_order_though_new_orders_exist() -> None:
    cache, events, cached = unknown_order("witness")
    head: dict[str, Any] = {"seq": 0, "command_offset": None, "account_id": "a", "time": LONG_AGO}
    venue = Existing("survivor")

    async def told() -> None:
        new = order("survivor")
        await events.append(0, VenueOrderReceived(**head, order=new, deadline=NOW))
        await events.append(0, VenueOrderAccepted(**head, order=new, venue_order_id=1))
        await events.append(0, VenueReset(**head, surviving_order_ids=("survivor",)))

    async def run() -> None:
        account = cache.accounts["a"]
        executor = OrderExecutor(events, venue, Keys(), TradingRules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.
        async with account.lock:  # The lock a check for a reset holds.
            settling = asyncio.create_task(executor.execute(cached))
            while not settling.done() and not account.lock._waiters:  # noqa: ASYNC110  # It is another's lock.
                await asyncio.sleep(0)
            await told()
        await settling

    asyncio.run(run())
    assert venue.sent == []
    assert type(events.written[-1]).__name__ == "VenueOrderLost"


def test_an_unknown_order_without_keys_is_retried_for_a_while_and_then_abandoned_with_a_reason() -> None:
    _, events, cached = unknown_order(None)
    keys = Keys()
    keys.lost = True
    began = time.monotonic()
    execute(events, Venue(), cached, keys)
    assert time.monotonic() - began >= GIVE_UP_MS / 1_000
    abandoned = events.written[-1]
    assert isinstance(abandoned, VenueOrderAbandoned)
    assert (abandoned.code, cached.status) == ("NO_KEYS", OrderStatus.ABANDONED)
    assert cached.is_final


def test_an_unknown_order_whose_keys_the_venue_refuses_is_abandoned_with_the_venue_s_error_code() -> None:
    _, events, cached = unknown_order(None)
    venue = Refusing()
    execute(events, venue, cached)
    abandoned = events.written[-1]
    assert isinstance(abandoned, VenueOrderAbandoned)
    assert (abandoned.code, venue.questions > 1, venue.sent) == ("-2015", True, [])


def test_a_resting_order_is_abandoned_only_after_every_query_failed_for_the_whole_period() -> None:
    cache, events, _ = unknown_order("resting")
    resting = cache.orders["a", "resting"]
    keys, venue = Keys(), Refusing(comes_back=2)
    executor = OrderExecutor(events, venue, keys, TradingRules(), GIVE_UP_MS)  # type: ignore[arg-type]  # They do what the real ones do.

    async def run() -> None:
        with pytest.raises(VenueRefused):
            await executor.reconcile(resting)
        await asyncio.sleep(GIVE_UP_MS / 1_000)
        await executor.reconcile(resting)
        keys.lost = True
        with pytest.raises(KeysMissing):
            await executor.reconcile(resting)
        assert resting.status is OrderStatus.ACCEPTED
        await asyncio.sleep(GIVE_UP_MS / 1_000)
        await executor.reconcile(resting)

    asyncio.run(run())
    assert resting.status is OrderStatus.ABANDONED
