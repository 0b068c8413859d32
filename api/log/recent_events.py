"""Which private events this process remembers: the last ones of all accounts, within a bound."""

from collections import deque
from itertools import takewhile
from typing import Final, NamedTuple

EVENTS_MAX: Final = 20_000
BYTES_MAX: Final = 16 * 1024 * 1024


class RecentEvent(NamedTuple):
    """A private event as the log has it."""

    shard: int
    seq: int
    account_seq: int
    account_id: str
    value: bytes


class RecentEvents:
    """The last private events, by account; whoever uses it holds the bus's lock."""

    def __init__(self, events_max: int = EVENTS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._order: deque[RecentEvent] = deque()
        self._accounts: dict[str, deque[RecentEvent]] = {}
        self._floors: dict[int, int] = {}
        self._bytes = 0

    def reach(self, shard: int, seq: int) -> None:
        """Note that the shard is read up to an event; of the first one nothing before is known."""
        self._floors.setdefault(shard, seq - 1)

    def keep(self, kept: RecentEvent) -> None:
        """Remember an event, and forget the oldest beyond the bound."""
        self._order.append(kept)
        self._accounts.setdefault(kept.account_id, deque()).append(kept)
        self._bytes += len(kept.value)
        while len(self._order) > self._events_max or self._bytes > self._bytes_max:
            self._forget_oldest()

    def of(self, account_id: str) -> list[RecentEvent]:
        """Give what is remembered of an account, oldest first."""
        return list(self._accounts.get(account_id, ()))

    def after(self, account_id: str, seq: int) -> list[RecentEvent]:
        """Give what is remembered of an account behind a `seq` of its shard, oldest first."""
        found = list(takewhile(lambda kept: kept.seq > seq, reversed(self._accounts.get(account_id, ()))))
        return found[::-1]

    def floor(self, shard: int) -> int:
        """Give the `seq` behind which every private event of a shard is remembered."""
        return self._floors.get(shard, 0)

    def _forget_oldest(self) -> None:
        oldest = self._order.popleft()
        self._bytes -= len(oldest.value)
        events = self._accounts[oldest.account_id]
        events.popleft()
        if not events:
            del self._accounts[oldest.account_id]
        self._floors[oldest.shard] = oldest.seq
