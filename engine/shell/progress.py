"""How far a recovery is, and how long the rest will take."""

from time import monotonic
from typing import Literal

Part = Literal["fencing", "loading", "indexing", "replaying"]


class RecoveryProgress:
    """Where a shard's recovery is. A thread advances it, the pages read it: each attribute is replaced whole."""

    def __init__(self) -> None:
        self.part: Part = "fencing"
        self.done = 0
        self.offset = 0  # of the next command: of the ledger that is loaded, then of the one that replays
        self.goal: int | None = None  # the offset the commands have to be replayed to, once it is known
        self._todo = 0
        self._began = monotonic()
        self.seconds: dict[Part, float] = {}

    def begin(self, part: Part, todo: int) -> None:
        """Go on to the next part, which consists of so much: bytes to load, commands to replay, or 0."""
        self.end()
        self.part, self.done, self._todo = part, 0, todo

    def end(self) -> None:
        """Keep how long the part took, all of its tries together."""
        now = monotonic()
        self.seconds[self.part] = self.seconds.get(self.part, 0.0) + now - self._began
        self._began = now

    @property
    def percent(self) -> float:
        """How much of this part is done."""
        return percent(self.done, self._todo)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of this part takes at the rate so far; null before there is a rate."""
        return seconds_left(self.done, self._todo, monotonic() - self._began)


def percent(done: int, todo: int) -> float:
    """Give a share in percent; nothing of nothing is nothing yet."""
    return round(100 * min(done, todo) / todo, 1) if todo > 0 else 0.0


def seconds_left(done: int, todo: int, seconds: float) -> float | None:
    """Give how long the rest takes where so much took so long."""
    if done <= 0 or seconds <= 0:
        return None
    return round(max(0, todo - done) * seconds / done, 1)
