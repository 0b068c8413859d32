"""A worker shows before it is ready whether it has its shards, and how far the recovery of each is."""

import asyncio
import math
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from aiokafka import TopicPartition
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from engine.core.step import step
from engine.shell.liveness import Liveness
from engine.shell.log import Bounds, Producers, Watermark
from engine.shell.metrics import EngineMetrics
from engine.shell.status import show_recovery, why_not_ready
from engine.shell.worker import EngineWorker
from runtime.settings import Settings
from runtime.snapshots import FoundManifest
from runtime.transactions import TransactionalProducer
from schemas.manifest import SnapshotManifest
from schemas.topics import COMMANDS

SHARD = 1
PATIENCE_S = 45.0


class SilentLog:
    """A log that does not answer the question who writes to it, until the test is over."""

    def __init__(self) -> None:
        self.is_over = Event()

    def fence(self, shard: int) -> Producers:
        self.is_over.wait(PATIENCE_S)
        raise ConnectionError(f"nobody answers for shard {shard}")

    def fence_events(self, shard: int) -> TransactionalProducer:
        raise NotImplementedError

    def fence_snapshots(self, shard: int) -> TransactionalProducer:
        raise NotImplementedError

    def watermark(self, shard: int) -> Watermark:
        raise NotImplementedError

    def hidden_from(self, shard: int) -> int | None:
        raise NotImplementedError

    def command_bounds(self, shard: int) -> Bounds:
        raise NotImplementedError

    def appended_at(self, shard: int, offset: int) -> int | None:
        raise NotImplementedError

    def manifests(self, shard: int, on_unreadable: Callable[[int, str], None]) -> Iterator[FoundManifest]:
        raise NotImplementedError

    def pages(self, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
        raise NotImplementedError


class UnassignedReader:
    """A reader that reads nothing yet."""

    def assignment(self) -> set[TopicPartition]:
        return set()


def ask(about: Callable[[EngineWorker], Any]) -> None:
    """Let a test look at a worker whose shards are never taken over."""
    log = SilentLog()

    async def look() -> None:
        worker = EngineWorker(
            Settings.model_validate({"kafka_brokers": "nobody:9092"}),
            log,
            UnassignedReader(),
            Liveness(PATIENCE_S),
            EngineMetrics(),
            step,
        )
        try:
            await about(worker)
        finally:
            worker.lifecycle.release_all()
            log.is_over.set()

    asyncio.run(look())


def test_a_worker_is_not_ready_between_assignment_and_take_over_of_its_shards() -> None:
    async def look(worker: EngineWorker) -> None:
        assert why_not_ready(worker) == "the shards that the group assigns are not under way yet"
        await worker.membership.on_partitions_assigned({TopicPartition(COMMANDS, SHARD)})
        assert why_not_ready(worker) == "the shards that the group assigns are not under way yet"
        assert not worker.is_ready
        worker.reconcile()
        assert why_not_ready(worker) == "shard 1 is taking_over, fencing"
        assert not worker.is_ready

    ask(look)


def test_a_worker_without_assigned_shards_is_ready() -> None:
    async def look(worker: EngineWorker) -> None:
        await worker.membership.on_partitions_assigned(set())
        assert worker.is_ready
        assert why_not_ready(worker) is None

    ask(look)


def test_each_step_of_a_recovery_shows_shard_offset_percent_and_estimated_time() -> None:
    async def look(worker: EngineWorker) -> None:
        await worker.membership.on_partitions_assigned({TopicPartition(COMMANDS, SHARD)})
        worker.reconcile()
        progress = worker.shards[SHARD].progress
        assert shown(worker)[:2] == (0, 0)
        assert math.isnan(shown(worker)[2]), "there is no rate yet"
        progress.goal = 700
        progress.begin("loading", 1_000)
        progress.offset, progress.done = 500, 250
        await asyncio.sleep(0.2)  # What is left is three times what it took.
        assert (why_not_ready(worker) or "").startswith("shard 1 is taking_over, loading, 25.0 %, at offset 500 of 700")
        percent, offset, left = shown(worker)
        assert (percent, offset) == (25, 500)
        assert 0.6 <= left < PATIENCE_S
        worker.shards[SHARD].freeze("for a test")
        assert why_not_ready(worker) == "shard 1 is frozen: for a test"
        assert math.isnan(shown(worker)[2]), "nothing goes on"

    ask(look)


def shown(worker: EngineWorker) -> tuple[float, float, float]:
    """Percent, offset and seconds left of the shard, as its metrics have them."""
    show_recovery(worker)
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(generate_latest(worker.metrics.registry).decode())
        for sample in family.samples
        if sample.labels == {"shard": str(SHARD)}
    }
    return found["recovery_percent"], found["recovery_offset"], found["recovery_seconds_left"]
