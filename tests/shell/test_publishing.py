"""After a failed transaction of a snapshot the next snapshot succeeds, or the process must end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from engine.shell.liveness import Liveness
from engine.shell.log import Bounds, Producers, Watermark
from engine.snapshot.publish import NotPublished, SnapshotContent, SnapshotPublisher
from runtime.snapshots import FoundManifest
from runtime.transactions import TransactionalProducer
from schemas.manifest import SnapshotManifest
from schemas.snapshots import Packing, decode_manifest, is_manifest_key, unpack

SHARD = 1
CONTENT = SnapshotContent(
    seq=7,
    digest=bytes(16),
    next_offset=5,
    time=3,
    accounts=2,
    positions=1,
    format=1,
    rules_version=1,
    instruments=None,
)


class FakeMessage:
    def __init__(self, offset: int) -> None:
        self._offset = offset

    def offset(self) -> int:
        return self._offset


class FakeProducer:
    """A transactional producer whose calls fail as a test wants; it keeps what was committed."""

    def __init__(self) -> None:
        self.failures: dict[str, list[Exception]] = {}
        self.calls: list[str] = []
        self.committed: list[tuple[bytes, bytes | None]] = []
        self.readable: int | None = None  # of these records, where not all
        self.is_doubtful = False
        self._open: list[tuple[bytes, bytes | None]] = []
        self._offset = 0

    def fail(self, call: str, *errors: Exception) -> None:
        """Let the next calls of one kind fail, one with each."""
        self.failures[call] = list(errors)

    def begin_transaction(self) -> None:
        self._called("begin")
        self._open = []

    def produce(
        self, _topic: str, value: bytes | None, key: bytes, _partition: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        self._called("produce")
        self._open.append((key, value))
        on_delivery(None, FakeMessage(self._offset))
        self._offset += 1

    def flush(self, _timeout: float) -> int:
        self._called("flush")
        return 0

    def commit_transaction(self, _timeout: float) -> None:
        self._called("commit")
        self.committed += self._open
        self._open = []

    def abort_transaction(self, _timeout: float) -> None:
        self._called("abort")
        self._open = []

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.failures.get(call):
            raise self.failures[call].pop(0)


class FakeLog:
    """A log whose snapshots are what the producer committed."""

    def __init__(self, producer: FakeProducer) -> None:
        self._producer = producer

    def fence(self, shard: int) -> Producers:
        raise NotImplementedError

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

    def pages(self, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
        raise NotImplementedError

    def manifests(self, shard: int, on_unreadable: Callable[[int, str], None]) -> Iterator[FoundManifest]:
        del on_unreadable
        assert shard == SHARD
        for key, value in reversed(self._producer.committed[: self._producer.readable]):
            if is_manifest_key(key):
                manifest = decode_manifest(value)
                yield FoundManifest(manifest.chunk_offsets[-1] + 1, manifest)


def error(code: int, **flags: bool) -> KafkaException:
    return KafkaException(
        KafkaError(
            code,
            "planted",
            flags.get("fatal", False),
            flags.get("retriable", False),
            flags.get("requires_abort", False),
        )
    )


TIMED_OUT = error(KafkaError._TIMED_OUT, retriable=True)
MUST_ABORT = error(KafkaError._TIMED_OUT, requires_abort=True)
FENCED = error(KafkaError._FENCED, fatal=True)


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


@pytest.fixture
def publisher(producer: FakeProducer) -> Iterator[SnapshotPublisher]:
    made: Any = producer

    def fence_again() -> Any:
        producer.calls.append("fence")
        producer.is_doubtful = False
        return made

    publisher = SnapshotPublisher(SHARD, made, FakeLog(producer), 2, Liveness(60).check, fence_again)
    yield publisher
    publisher.close()


def publish(publisher: SnapshotPublisher, *pages: bytes) -> SnapshotManifest:
    packing = Packing()
    publisher.pack(packing, list(pages or (b"page",))).result(10)
    return publisher.publish(CONTENT, packing).result(10)


def numbers(producer: FakeProducer) -> list[int]:
    return [decode_manifest(value).number for key, value in producer.committed if is_manifest_key(key)]


def test_chunks_are_at_the_offsets_of_their_manifest_and_the_manifest_comes_last(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    manifest = publish(publisher, b"a", b"b")
    (key, chunk), (last, value) = producer.committed
    assert (key, last) == (b"0/0", b"0/manifest")
    assert decode_manifest(value) == manifest
    assert (manifest.number, manifest.slot, manifest.chunk_offsets) == (1, 0, (0,))
    assert (manifest.seq, manifest.next_offset, manifest.previous_manifest_offset) == (7, 5, None)
    assert chunk is not None
    assert list(unpack(manifest, [chunk])) == [b"a", b"b"]
    second = publish(publisher)
    assert (second.number, second.slot, second.previous_manifest_offset) == (2, 1, 1)
    third = publish(publisher)
    assert (third.number, third.slot, third.previous_manifest_offset) == (3, 0, 3)


def test_the_snapshot_after_a_doubtful_commit_has_a_new_producer_and_reads_the_ring_again(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    publish(publisher)
    producer.is_doubtful = True
    producer.committed.clear()  # As if another owner had made room.
    producer.calls.clear()
    assert publish(publisher).number == 1
    assert producer.calls[:2] == ["fence", "begin"]
    publish(publisher)
    assert producer.calls.count("fence") == 1


def test_an_unanswered_commit_is_repeated_by_its_own_producer_before_a_new_one_follows(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    producer.fail("commit", TIMED_OUT, TIMED_OUT)
    with pytest.raises(NotPublished):
        publish(publisher)
    producer.is_doubtful = True
    producer.calls.clear()
    publish(publisher)
    assert producer.calls[:3] == ["commit", "fence", "begin"]
    assert numbers(producer) == [1, 2]


@pytest.mark.parametrize("call", ["begin", "produce", "flush"])
def test_a_failed_snapshot_is_aborted_and_the_next_snapshot_uses_its_slot(
    publisher: SnapshotPublisher, producer: FakeProducer, call: str
) -> None:
    publish(publisher)
    producer.fail(call, TIMED_OUT)
    with pytest.raises(NotPublished):
        publish(publisher)
    assert (producer.calls[-1] == "abort") == (call != "begin")
    assert publish(publisher).number == 2
    assert numbers(producer) == [1, 2]


def test_a_full_producer_queue_fails_the_snapshot(publisher: SnapshotPublisher, producer: FakeProducer) -> None:
    producer.fail("produce", BufferError("full"))
    with pytest.raises(NotPublished):
        publish(publisher)
    assert producer.calls[-1] == "abort"


def test_a_commit_without_an_answer_is_repeated(publisher: SnapshotPublisher, producer: FakeProducer) -> None:
    producer.fail("commit", TIMED_OUT)
    assert publish(publisher).number == 1
    assert producer.calls.count("commit") == 2


def test_an_unanswered_commit_is_repeated_before_the_next_snapshot_and_never_aborted(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    producer.fail("commit", TIMED_OUT, TIMED_OUT)
    with pytest.raises(NotPublished):
        publish(publisher)
    assert "abort" not in producer.calls
    assert publish(publisher).number == 2, "the first is in the log after all"
    assert numbers(producer) == [1, 2]


def test_a_snapshot_whose_late_commit_succeeded_keeps_its_slot_before_readers_see_the_markers(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    first = publish(publisher)
    producer.fail("commit", TIMED_OUT, TIMED_OUT)
    with pytest.raises(NotPublished):
        publish(publisher)
    # The brokers answer a commit before its markers stand in the partitions: a read-committed reader stops before it.
    producer.readable = 2
    third = publish(publisher)
    assert (third.number, third.slot) == (3, first.slot), "the second has the other slot, and is the newest"
    assert third.previous_manifest_offset == 3


def test_a_commit_error_that_requires_an_abort_aborts_the_snapshot(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    producer.fail("commit", MUST_ABORT)
    with pytest.raises(NotPublished):
        publish(publisher)
    assert producer.calls[-1] == "abort"
    assert publish(publisher).number == 1


def test_an_abort_without_an_answer_is_repeated_before_the_next_snapshot(
    publisher: SnapshotPublisher, producer: FakeProducer
) -> None:
    producer.fail("flush", TIMED_OUT)
    producer.fail("abort", TIMED_OUT)
    with pytest.raises(NotPublished):
        publish(publisher)
    producer.calls.clear()
    assert publish(publisher).number == 1
    assert producer.calls[:2] == ["abort", "begin"]


@pytest.mark.parametrize("call", ["begin", "produce", "flush", "commit"])
def test_a_fenced_producer_is_a_fatal_error(publisher: SnapshotPublisher, producer: FakeProducer, call: str) -> None:
    producer.fail(call, FENCED)
    with pytest.raises(KafkaException):
        publish(publisher)
    assert numbers(producer) == []


def test_an_abort_by_a_fenced_producer_is_a_fatal_error(publisher: SnapshotPublisher, producer: FakeProducer) -> None:
    producer.fail("flush", TIMED_OUT)
    producer.fail("abort", FENCED)
    with pytest.raises(KafkaException):
        publish(publisher)
