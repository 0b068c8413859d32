"""How what happens in the log is told within the process: each account's events, and what moves the market.

This is the seam for whoever streams to clients (the canonical WebSocket, seed 002's):

    outbox = Outbox(limit=1_000)

    def told(happened: Happened) -> None:          # each event of the account once, in the order of `account_seq`
        outbox.put(text_of(happened.event))

    def moved(event: MarketEvent) -> None:         # shard 0's; `parts.prices` has folded it already
        if isinstance(event, PricesUpdated):
            for tick in event.accepted:
                outbox.replace(tick.symbol, text_of(tick))   # a slow reader gets the last of each symbol

    following = parts.bus.follow(account_id, told)
    leaving = parts.bus.follow_market(moved)
    try:
        async for text in outbox:                  # ends with `outbox.end()`; Overflow when more than `limit` wait
            await websocket.send_text(text)
    finally:
        following.leave()
        leaving()

All of it is used on the loop only, but for `note` and `flush`, which the thread that reads the events calls. Whoever
is told must return at once. `following.past` holds the account's last events before the first that is told, as far
as they are remembered; nothing lies between the two.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from api.log.price_cache import FOLDED
from api.log.recent_events import RecentEvent, RecentEvents
from schemas.codec import decode_event
from schemas.events import (
    Event,
    EventHeader,
    MarketEvent,
)
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
    """Somebody who is told of an account's events."""

    def __init__(
        self, bus: "EventBus", account_id: str, told: Callable[[AccountEvent], None], past: list[AccountEvent]
    ) -> None:
        self.past = past
        self._bus = bus
        self._account_id = account_id
        self._told = told
        self._last = past[-1].account_seq if past else 0

    def tell(self, happened: AccountEvent) -> None:
        """Pass an event on; what is in the past already is left out."""
        if happened.account_seq > self._last:
            self._last = happened.account_seq
            self._told(happened)

    def leave(self) -> None:
        """Be told no more; a second time changes nothing."""
        self._bus.forget(self._account_id, self)


class EventBus:
    """Takes events from the reading thread, and tells them on the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # over what the reading thread and the loop both touch
        self._recent = RecentEvents()
        self._followed: dict[str, list[Subscription]] = {}
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
                kept = RecentEvent(shard, header.seq, header.account_seq, header.account_id, value)
                self._recent.keep(kept)
                if header.account_id in self._followed:
                    self._batch.append(kept)
            if shard == PRICE_SHARD and isinstance(market, FOLDED):
                self._market.append(market)
                if len(self._market) > MARKET_MAX:
                    self._market_floor = self._market.popleft().seq
                self._batch.append(market)

    def flush(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Tell what was noted since the last time; before there is a loop nobody listens."""
        with self._lock:
            batch, self._batch = self._batch, []
        # At the end of the process the loop may be closed already, and nobody listens any more.
        if batch and loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._tell, batch)

    def follow(self, account_id: str, told: Callable[[AccountEvent], None]) -> Subscription:
        """Be told of every event of this account from here on, in order."""
        with self._lock:
            past = self._recent.of(account_id)
            following = Subscription(self, account_id, told, [_happened(kept) for kept in past])
            self._followed.setdefault(account_id, []).append(following)
        return following

    def forget(self, account_id: str, following: Subscription) -> None:
        """Tell this one no more."""
        with self._lock:
            followed = self._followed.get(account_id, [])
            if following in followed:
                followed.remove(following)
            if not followed:
                self._followed.pop(account_id, None)

    def follow_market(self, told: Callable[[MarketEvent], None]) -> Callable[[], None]:
        """Be told of shard 0's events about prices, feed and markets; call what is given back to leave."""
        self._listeners.append(told)

        def leave() -> None:
            if told in self._listeners:
                self._listeners.remove(told)

        return leave

    def floor(self, shard: int) -> int:
        """Give the `seq` behind which every private event of the shard is remembered."""
        with self._lock:
            return self._recent.floor(shard)

    def market_after(self, seq: int) -> list[MarketEvent] | None:
        """Give shard 0's events about the market behind a `seq`; null where not all of them are remembered."""
        with self._lock:
            if self._market_floor is not None and self._market_floor > seq:
                return None
            return [event for event in self._market if event.seq > seq]

    def _tell(self, batch: list[RecentEvent | MarketEvent]) -> None:
        for item in batch:
            if isinstance(item, RecentEvent):
                followed = list(self._followed.get(item.account_id, ()))
                if followed:
                    happened = _happened(item)
                    for following in followed:
                        following.tell(happened)
            else:
                for told in list(self._listeners):
                    told(item)


def _happened(kept: RecentEvent) -> AccountEvent:
    return AccountEvent(kept.shard, decode_event(kept.value))
