"""What snapshots ask of the shell that hosts them: a shard, its commits, the log, and who shows how far they are."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from engine.core.state import State
from runtime.snapshots import FoundManifest, Unreadable
from schemas.manifest import SnapshotManifest

SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)  # a large ledger's may take long


class LastSnapshot(NamedTuple):
    """What of a shard's last snapshot the next one counts from; at: by the monotonic clock, when it was begun.

    number: of the last one that is in the log, null where this worker knows of none.
    """

    at: float
    seq: int
    next_offset: int
    number: int | None


class CommitQueue(Protocol):
    """Where a shard's events wait for their commit."""

    async def until_committed(self, seq: int) -> bool:
        """Wait until the events up to this one are committed; false where they never will be here."""


class LedgerShard(Protocol):
    """A shard as its snapshots are taken: which ledger, how far it is, and whether it is still this process's."""

    last_snapshot: LastSnapshot

    @property
    def number(self) -> int:
        """Which partition it is."""

    @property
    def phase(self) -> str:
        """Where it is; a snapshot is taken while it is live."""

    @property
    def given_up(self) -> bool:
        """Whether another process owns it now."""

    @property
    def state(self) -> State | None:
        """Its ledger."""

    @property
    def seq(self) -> int:
        """Its last event."""

    @property
    def digest(self) -> bytes:
        """The digest of that event."""

    @property
    def next_offset(self) -> int:
        """The command it executes next."""

    @property
    def outbox(self) -> CommitQueue | None:
        """Where its events wait."""


class SnapshotLog(Protocol):
    """The log as snapshots are published to it and loaded from it. Every method blocks, and is called in a thread."""

    def appended_at(self, shard: int, offset: int) -> int | None:
        """Give when a command before the end was appended (ms), or null where there is none."""

    def manifests(self, shard: int, on_unreadable: Unreadable) -> Iterator[FoundManifest]:
        """Give the ring's manifests, newest first."""

    def pages(self, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
        """Give a snapshot's pages, or raise SnapshotUnreadable."""


class LoadProgress(Protocol):
    """What shows how far a load is: `done` of so many bytes, of the ledger as of the command at `offset`."""

    done: int
    offset: int

    def begin(self, part: Literal["loading", "indexing"], todo: int) -> None:
        """Go on to the next part, which consists of so much."""


class SnapshotMetrics:
    """The numbers of snapshots, in the engine's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.results = Counter(
            "snapshot",
            "Snapshots: published, failed, or abandoned because the shard was given up meanwhile",
            ["result"],
            registry=registry,
        )
        self.seconds = Histogram(
            "snapshot_seconds",
            "One snapshot, from its first page to its commit",
            buckets=SECONDS,
            registry=registry,
        )
        self.size = Gauge(
            "snapshot_bytes", "Size of a shard's last snapshot, uncompressed", ["shard"], registry=registry
        )
