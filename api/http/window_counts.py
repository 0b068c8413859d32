"""How many requests of each key there were in this window of time and in the one before."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from limits.storage import SlidingWindowCounterSupport, Storage

SWEPT_MIN: Final = 10_000


class CountWindow(NamedTuple):
    """One window of a key. number: windows of its length (s) since 1970, so that every process means the same."""

    key: str
    number: int
    length: int


class _Counts:
    """A key's counts. total: of all processes, as far as this one knows; new: of this one, not yet told the others."""

    __slots__ = ("before", "length", "new", "number", "total")

    def __init__(self, number: int, length: int) -> None:
        self.number = number
        self.length = length
        self.before = 0
        self.total = 0
        self.new = 0


class WindowCounts(Storage, SlidingWindowCounterSupport):
    """A storage for the sliding windows of `limits`, in this process's memory; its own starts a thread to forget.

    What another process counted is known once it was exchanged: `take_new` gives what the others do not know, and
    `merge` takes up what all counted.
    """

    STORAGE_SCHEME = None

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._now = now
        self._counts: dict[str, _Counts] = {}
        self._new: set[str] = set()
        self._sweep_at = SWEPT_MIN

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count so many, unless that is more than the limit; expiry: the window's length in seconds."""
        now = self._now()
        counts = self._current(key, expiry, now)
        share = 1 - now % expiry / expiry
        if int(counts.before * share + counts.total) + amount > limit:
            return False
        counts.total += amount
        counts.new += amount
        self._new.add(key)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Give the count before and how many seconds it still counts, and the count now and until when it does."""
        now = self._now()
        counts = self._current(key, expiry, now)
        left = expiry - now % expiry
        return counts.before, left, counts.total, expiry + left

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        del expiry
        self.clear(key)

    def take_new(self) -> dict[CountWindow, int]:
        """Give what was counted here since the last time; whoever takes it tells the others."""
        taken: dict[CountWindow, int] = {}
        for key in self._new:
            counts = self._counts.get(key)
            if counts is not None and counts.new:
                taken[CountWindow(key, counts.number, counts.length)] = counts.new
                counts.new = 0
        self._new.clear()
        return taken

    def give_back(self, taken: Mapping[CountWindow, int]) -> None:
        """Take back what could not be told; of windows that are over meanwhile nothing."""
        for (key, number, _), count in taken.items():
            counts = self._counts.get(key)
            if counts is not None and counts.number == number:
                counts.new += count
                self._new.add(key)

    def merge(self, totals: Iterable[tuple[CountWindow, int]]) -> None:
        """Take up what all processes counted in some windows, this one's included, but for what is new again."""
        for (key, number, _), total in totals:
            counts = self._counts.get(key)
            if counts is not None and counts.number == number:
                counts.total = max(counts.total, total + counts.new)
            elif counts is not None and counts.number == number + 1:
                counts.before = max(counts.before, total)

    def _current(self, key: str, length: int, now: float) -> _Counts:
        """Give a key's counts, those of the window that is over as the ones before."""
        number = int(now // length)
        counts = self._counts.get(key)
        if counts is None:
            if len(self._counts) >= self._sweep_at:
                self._sweep(now)
            counts = self._counts[key] = _Counts(number, length)
        elif counts.number != number:
            counts.before = counts.total if counts.number == number - 1 else 0
            counts.number, counts.total, counts.new = number, 0, 0
        return counts

    def _sweep(self, now: float) -> None:
        """Forget the keys of which nothing counts any more."""
        kept = {key: each for key, each in self._counts.items() if each.number >= int(now // each.length) - 1}
        self._counts = kept
        self._sweep_at = max(SWEPT_MIN, 2 * len(kept))

    # What the windows of other strategies would need.

    @property
    def base_exceptions(self) -> type[Exception]:
        """Give what is raised where a storage cannot be reached: this one always can."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count without a limit."""
        counts = self._current(key, expiry, self._now())
        counts.total += amount
        return counts.total

    def get(self, key: str) -> int:
        """Give the count in the window that was last looked at."""
        counts = self._counts.get(key)
        return 0 if counts is None else counts.total

    def get_expiry(self, key: str) -> float:
        """Give when that window ends."""
        counts = self._counts.get(key)
        return self._now() if counts is None else (counts.number + 1) * counts.length

    def check(self) -> bool:
        """Say that it can be reached."""
        return True

    def reset(self) -> int:
        """Forget every key."""
        forgotten = len(self._counts)
        self._counts.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a key."""
        self._counts.pop(key, None)
