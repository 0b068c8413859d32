"""How committed events reach those in the process who subscribe: each account's events, and what moves the market.

Whoever streams to clients (the canonical WebSocket, seed 002's) begins here:

    outbox = SocketOutbox(limit=1_000)

    def on_event(event: AccountEvent) -> None:     # each event of the account once, in the order of `account_seq`
        outbox.put(text_of(event.event))

    def on_market(event: MarketEvent) -> None:     # shard 0's; the price cache has folded it already
        if isinstance(event, PricesUpdated):
            for tick in event.accepted:
                outbox.replace(tick.symbol, text_of(tick))   # a slow reader gets the last of each symbol

    subscription = bus.subscribe(account_id, on_event)
    cancel = bus.subscribe_to_market(on_market)
    try:
        async for text in outbox:                  # ends with `outbox.end()`; Overflow when more than `limit` wait
            await websocket.send_text(text)
    finally:
        subscription.cancel()
        cancel()

All of it is used on the loop only, but for `note` and `flush`, which the thread that reads the events calls. A
listener must return at once. `subscription.past` holds the account's last events before the first that is delivered,
as far as they are remembered; nothing lies between the two.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from api.log.recent_events import RecentEvent, RecentEvents
from schemas.codec import decode_event
from schemas.event_groups import MARKET_EVENTS, MarketEvent
from schemas.events import Event, EventHeader
from schemas.ids import event_id
from schemas.sharding import PRICE_SHARD

MARKET_MAX: Final = 2_000  # of shard 0's events that are remembered


class AccountEvent(NamedTuple):
    """An event of an account, and its shard."""

    shard: int
    event: Event

    @property
    def event_id(self) -> str:
        """Name of the event."""
        return event_id(self.shard, self.event.seq)

    @property
    def account_seq(self) -> int:
        """Place among the account's events."""
        assert self.event.account_seq is not None, "an event of an account counts among its events"
        return self.event.account_seq


class Subscription:
    """A listener's claim to an account's events."""

    def __init__(
        self, bus: "EventBus", account_id: str, listener: Callable[[AccountEvent], None], past: list[AccountEvent]
    ) -> None:
        self.past = past
        self._bus = bus
        self._account_id = account_id
        self._listener = listener
        self._last = past[-1].account_seq if past else 0

    def deliver(self, event: AccountEvent) -> None:
        """Pass an event on; what is in the past already is left out."""
        if event.account_seq > self._last:
            self._last = event.account_seq
            self._listener(event)

    def cancel(self) -> None:
        """Deliver nothing more; a second call changes nothing."""
        self._bus.unsubscribe(self._account_id, self)


class EventBus:
    """Takes events from the reading thread, and delivers them on the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # over what the reading thread and the loop both touch
        self._recent = RecentEvents()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._market: deque[MarketEvent] = deque()
        self._market_floor: int | None = None  # behind it every event about the market is remembered
        self._batch: list[RecentEvent | MarketEvent] = []
        self._listeners: list[Callable[[MarketEvent], None]] = []

    def note(self, shard: int, header: EventHeader, value: bytes, market: Event | None = None) -> None:
        """Take the next event of a shard. market: the event, where it is one that `prices` folded."""
        with self._lock:
            self._recent.reach(shard, header.seq)
            if shard == PRICE_SHARD and self._market_floor is None:
                self._market_floor = header.seq - 1
            if header.account_id is not None and header.account_seq is not None:
                recent = RecentEvent(shard, header.seq, header.account_seq, header.account_id, value)
                self._recent.keep(recent)
                if header.account_id in self._subscriptions:
                    self._batch.append(recent)
            if shard == PRICE_SHARD and isinstance(market, MARKET_EVENTS):
                self._market.append(market)
                if len(self._market) > MARKET_MAX:
                    self._market_floor = self._market.popleft().seq
                self._batch.append(market)

    def flush(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Deliver what was noted since the last time; before there is a loop nobody listens."""
        with self._lock:
            batch, self._batch = self._batch, []
        # At the end of the process the loop may be closed already, and nobody listens any more.
        if batch and loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._deliver, batch)

    def subscribe(self, account_id: str, listener: Callable[[AccountEvent], None]) -> Subscription:
        """Have every event of this account from here on delivered, in order."""
        with self._lock:
            past = self._recent.of(account_id)
            subscription = Subscription(self, account_id, listener, [_account_event(recent) for recent in past])
            self._subscriptions.setdefault(account_id, []).append(subscription)
        return subscription

    def unsubscribe(self, account_id: str, subscription: Subscription) -> None:
        """End a subscription."""
        with self._lock:
            subscriptions = self._subscriptions.get(account_id, [])
            if subscription in subscriptions:
                subscriptions.remove(subscription)
            if not subscriptions:
                self._subscriptions.pop(account_id, None)

    def subscribe_to_market(self, listener: Callable[[MarketEvent], None]) -> Callable[[], None]:
        """Have shard 0's events about prices, feed and markets delivered; calling the result ends that."""
        self._listeners.append(listener)

        def cancel() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return cancel

    def floor(self, shard: int) -> int:
        """Give the `seq` behind which every private event of the shard is remembered."""
        with self._lock:
            return self._recent.floor(shard)

    def account_after(self, shard: int, account_id: str, seq: int) -> list[AccountEvent] | None:
        """Give an account's events behind a `seq` of its shard, oldest first; null where not all are remembered."""
        with self._lock:
            if self._recent.floor(shard) > seq:
                return None
            recent = self._recent.after(account_id, seq)
        return [_account_event(one) for one in recent]

    def market_after(self, seq: int) -> list[MarketEvent] | None:
        """Give shard 0's events about the market behind a `seq`; null where not all of them are remembered."""
        with self._lock:
            if self._market_floor is not None and self._market_floor > seq:
                return None
            return [event for event in self._market if event.seq > seq]

    def _deliver(self, batch: list[RecentEvent | MarketEvent]) -> None:
        for item in batch:
            if isinstance(item, RecentEvent):
                subscriptions = list(self._subscriptions.get(item.account_id, ()))
                if subscriptions:
                    event = _account_event(item)
                    for subscription in subscriptions:
                        subscription.deliver(event)
            else:
                for listener in list(self._listeners):
                    listener(item)


def _account_event(recent: RecentEvent) -> AccountEvent:
    return AccountEvent(recent.shard, decode_event(recent.value))
