"""Who watches a verification: told what is asked, how far each question is, and when it is answered."""

from collections.abc import Sequence
from typing import NamedTuple


class Planned(NamedTuple):
    """A question about a shard, and how many records it will read at most: a topic's offsets are not all records."""

    shard: int
    question: str
    records_max: int


class Watcher:
    """Watches nothing; whoever wants to see something overrides what it needs."""

    def begin(self, plan: Sequence[Planned]) -> None:
        """Take what is asked."""

    def advance(self, counts: Sequence[int]) -> None:
        """Take how many records each question has been through, in the plan's order."""

    def end(self, number: int, seconds: float, *, agrees: bool) -> None:
        """Take that a question of the plan is answered, how long that took, and whether all of it was read."""
