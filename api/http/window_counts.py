"""How many requests of each key there were in this window of time and in the one before."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from limits.storage import SlidingWindowCounterSupport, Storage

SWEPT_MIN: Final = 10_000


class CountWindow(NamedTuple):
    """One window of a key. number: windows of its length (s) since 1970, so that every process means the same."""

    name: str
    number: int
    length: int


class _Counts:
    """A key's counts. total: of all processes, as far as this one knows; new: of this one, not yet told the others."""

    __slots__ = ("before", "length", "name", "new", "number", "total")

    def __init__(self, name: str, number: int, length: int) -> None:
        self.name = name
        self.number = number
        self.length = length
        self.before = 0
        self.total = 0
        self.new = 0


class WindowCounts(Storage, SlidingWindowCounterSupport):
    """A storage for the sliding windows of `limits`, in this process's memory; its own starts a thread to forget.

    name_of: gives under which name a key is told to other processes; null where there are none. What another process
    counted is known once it was exchanged: `take_new` gives what the others do not know, and `merge` takes up what all
    counted, of keys that were not asked for here, too.
    """

    STORAGE_SCHEME = None

    def __init__(self, name_of: Callable[[str], str] | None = None, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._name_of = name_of
        self._now = now
        self._counts: dict[str, _Counts] = {}
        self._by_name: dict[str, _Counts] = {}  # the same, where they are shared
        self._known: dict[CountWindow, int] = {}  # what all had counted when it was exchanged
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
        if self._name_of is not None:
            counts.new += amount
            self._new.add(counts.name)
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
        for name in self._new:
            counts = self._by_name.get(name)
            if counts is not None and counts.new:
                taken[CountWindow(name, counts.number, counts.length)] = counts.new
                counts.new = 0
        self._new.clear()
        return taken

    def give_back(self, taken: Mapping[CountWindow, int]) -> None:
        """Take back what could not be told; of windows that are over meanwhile nothing."""
        for (name, number, _), count in taken.items():
            counts = self._by_name.get(name)
            if counts is not None and counts.number == number:
                counts.new += count
                self._new.add(name)

    def merge(self, totals: Iterable[tuple[CountWindow, int]]) -> None:
        """Take up what all processes counted in some windows, this one's included, but for what is new again."""
        for window, total in totals:
            self._known[window] = max(total, self._known.get(window, 0))
            counts = self._by_name.get(window.name)
            if counts is not None and counts.number == window.number:
                counts.total = max(counts.total, total + counts.new)
            elif counts is not None and counts.number == window.number + 1:
                counts.before = max(counts.before, total)
        now = self._now()
        self._known = {
            window: total for window, total in self._known.items() if _still_counts(window.number, window.length, now)
        }

    def _current(self, key: str, length: int, now: float) -> _Counts:
        """Give a key's counts, those of the window that is over as the ones before."""
        number = int(now // length)
        counts = self._counts.get(key)
        if counts is None:
            if len(self._counts) >= self._sweep_at:
                self._sweep(now)
            name = key if self._name_of is None else self._name_of(key)
            counts = self._counts[key] = _Counts(name, number, length)
            if self._name_of is not None:
                self._by_name[name] = counts
                self._take_known(counts)
        elif counts.number != number:
            counts.before = counts.total if counts.number == number - 1 else 0
            counts.number, counts.total, counts.new = number, 0, 0
            self._take_known(counts)
        return counts

    def _take_known(self, counts: _Counts) -> None:
        """Begin a window with what other processes are known to have counted, in it and in the one before."""
        name, number, length = counts.name, counts.number, counts.length
        counts.total = self._known.get(CountWindow(name, number, length), 0)
        counts.before = max(counts.before, self._known.get(CountWindow(name, number - 1, length), 0))

    def _sweep(self, now: float) -> None:
        """Forget the keys of which nothing counts any more."""
        kept = {key: each for key, each in self._counts.items() if _still_counts(each.number, each.length, now)}
        self._counts = kept
        self._by_name = {} if self._name_of is None else {each.name: each for each in kept.values()}
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
        self._by_name.clear()
        self._new.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a key."""
        counts = self._counts.pop(key, None)
        if counts is not None:
            self._by_name.pop(counts.name, None)
            self._new.discard(counts.name)


def _still_counts(number: int, length: int, now: float) -> bool:
    """Say whether a window does: it goes on, or the one after it."""
    return number >= int(now // length) - 1
