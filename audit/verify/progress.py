"""What a verification reports of its progress: its plan, how far each question is, and when it is answered."""

from collections.abc import Sequence
from typing import NamedTuple


class PlannedTask(NamedTuple):
    """A question about a shard, and how many records it will read at most: a topic's offsets are not all records."""

    shard: int
    question: str
    records_max: int


class ProgressListener:
    """Ignores everything; a display overrides what it needs."""

    def begin(self, plan: Sequence[PlannedTask]) -> None:
        """Take the plan."""

    def advance(self, counts: Sequence[int]) -> None:
        """Take how many records each question has been through, in the plan's order."""

    def end(self, number: int, seconds: float, *, agrees: bool) -> None:
        """Take that a question of the plan is answered, how long that took, and whether all of it was read."""
