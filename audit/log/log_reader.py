"""What the audit reads: the log of a ledger, live or exported, through one narrow door."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from audit.log.differences import Difference
from runtime.errors import FixableError
from runtime.kafka import LogRecord

Batches = Iterator[list[LogRecord]]


class LogUnreadable(FixableError):
    """A part of the log cannot be read at all; the text names it. offset: from which on, where that is known."""

    def __init__(self, text: str, offset: int | None = None) -> None:
        super().__init__(text)
        self.offset = offset


class Extent(NamedTuple):
    """Up to which offset each of a shard's topics is read, not included: what comes later is not looked at."""

    commands: int
    events: int
    snapshots: int


class LogReader(Protocol):
    """The records of a ledger, oldest first, in batches. Can be sent to another process.

    Offsets and times (ms) are the topics' own. Of the events and snapshots only committed records are given; of the
    commands all, for the engine sees them all too. Raises LogUnreadable.
    """

    @property
    def name(self) -> str:
        """What it is called in a report."""

    @property
    def shards(self) -> int:
        """Shards of the ledger."""

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that can be read here: all, or those that were exported."""

    def extent(self, shard: int) -> Extent:
        """Say how far each topic is read."""

    def renewed(self) -> "LogReader":
        """Give the log as far as it goes now."""

    def commands(self, shard: int, first: int) -> Batches:
        """Give the commands from an offset on."""

    def events(self, shard: int, first: int) -> Batches:
        """Give the events from an offset on."""

    def snapshots(self, shard: int) -> Batches:
        """Give what compaction left of the snapshots."""

    def damages(self, shard: int) -> list[Difference]:
        """Name what is not as it was written, by the hashes a copy carries; a broker's are checked while it is read."""


def commands_of(log: LogReader, shard: int, first: int = 0) -> Iterator[LogRecord]:
    """Give a shard's commands from an offset on, one after the other."""
    return (record for batch in log.commands(shard, first) for record in batch)


def require_shard(log: LogReader, shard: int) -> None:
    """Refuse a shard that is not there."""
    if shard not in log.held:
        held = ", ".join(map(str, log.held))
        raise FixableError(f"{log.name} holds no shard {shard}; it holds {held}.")
