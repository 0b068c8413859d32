"""How a snapshot gets into the log: all of it in one transaction, or nothing."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from time import sleep
from typing import Final, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message

from engine.core.state import State
from engine.snapshot.ports import SnapshotLog
from engine.snapshot.ring import SnapshotRing
from runtime.snapshots import FoundManifest
from runtime.transactions import TransactionalProducer
from schemas.manifest import SnapshotManifest
from schemas.messages import Instrument
from schemas.snapshots import Packing, chunk_key, encode_manifest, manifest_key
from schemas.topics import SNAPSHOTS

DELIVERY_TIMEOUT_S: Final = 30.0
# Of a large ledger there are hundreds of chunks. All at once they would keep the broker and its connection busy for
# half a second, in which the commands of a machine with few cores wait for one; so a few go at a time.
RECORDS_AT_ONCE: Final = 2
COMMIT_TIMEOUT_S: Final = 10.0
COMMIT_TRIES: Final = 2
NAMED_SINCE_RULES: Final = 2  # with which the manifest's schema that has instruments came
FENCED: Final = frozenset(
    {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED}  # noqa: SLF001  # Its public name.
)


class SnapshotContent(NamedTuple):
    """What a snapshot is a copy of. digest: of event `seq`. instruments: null under version 1 of the rules."""

    seq: int
    digest: bytes
    next_offset: int
    time: int
    accounts: int
    positions: int
    format: int
    rules_version: int
    instruments: tuple[Instrument, ...] | None


def named_instruments(state: State) -> tuple[Instrument, ...] | None:
    """Give the instruments as a manifest names them, for those who read only manifests; null under version 1."""
    return None if state.rules_version < NAMED_SINCE_RULES else tuple(state.instruments.values())


class NotPublished(Exception):
    """A snapshot did not get into the log, and the next one may; the text says why."""


class SnapshotPublisher:
    """The one writer of a shard's snapshots, and its thread. check: ends the process where it may write no more.

    fence_again: gives a new producer after one whose last transaction ended doubtfully.
    """

    def __init__(
        self,
        shard: int,
        producer: TransactionalProducer,
        source: SnapshotLog,
        slots: int,
        check: Callable[[], None],
        fence_again: Callable[[], TransactionalProducer],
    ) -> None:
        self._shard = shard
        self._producer: TransactionalProducer | None = producer
        self._source = source
        self._slots = slots
        self._check = check
        self._fence_again = fence_again
        self._ring: SnapshotRing | None = None
        self._unfinished: Literal["commit", "abort"] | None = None
        self._written: FoundManifest | None = None  # by the transaction that is unfinished
        self._thread = ThreadPoolExecutor(1, f"snapshot-{shard}")

    def pack(self, packing: Packing, pages: list[bytes]) -> Future[None]:
        """Compress some pages, in the thread."""
        return self._thread.submit(packing.add, pages)

    def publish(self, content: SnapshotContent, packing: Packing, pause_s: float = 0.0) -> Future[SnapshotManifest]:
        """Write a snapshot, in the thread, with a pause after every few chunks.

        NotPublished where the next one may succeed; KafkaException where this producer never will again.
        """
        return self._thread.submit(self._publish, content, packing, pause_s)

    def close(self) -> None:
        """Let what runs end by itself, then let go of the producer."""
        self._thread.submit(self._release)
        self._thread.shutdown(wait=False)

    def _release(self) -> None:
        self._producer = None

    def _publish(self, content: SnapshotContent, packing: Packing, pause_s: float) -> SnapshotManifest:
        self._check()
        assert self._producer is not None, "nothing is published after the shard was given up"
        sha256 = packing.finish()
        try:
            self._end_what_is_open(self._producer)
            if self._producer.is_doubtful:
                self._producer = self._fence_again()
                self._ring = None  # Another owner may have written since.
            if self._ring is None:
                self._ring = SnapshotRing(self._source.manifests(self._shard, lambda _offset, _why: None))
            found = self._write(self._producer, self._ring, content, packing, sha256, pause_s)
        except (KafkaException, BufferError, TimeoutError) as error:
            self._recover_from(self._producer, error)
            raise NotPublished(str(error)) from error
        self._ring.put(found)
        return found.manifest

    def _write(
        self,
        producer: TransactionalProducer,
        ring: SnapshotRing,
        content: SnapshotContent,
        packing: Packing,
        sha256: bytes,
        pause_s: float,
    ) -> FoundManifest:
        """One transaction: the chunks, whose offsets the manifest needs, what has to go, and the manifest at last."""
        place = ring.next_slot(self._slots)
        producer.begin_transaction()
        self._unfinished = "abort"
        keys = [chunk_key(place.slot, number) for number in range(len(packing.chunks))]
        offsets = self._deliver(producer, list(zip(keys, packing.chunks, strict=True)), pause_s)
        manifest = SnapshotManifest(
            shard=self._shard,
            slots=self._slots,
            slot=place.slot,
            number=place.number,
            chunk_offsets=tuple(offsets),
            uncompressed_bytes=packing.uncompressed_bytes,
            sha256=sha256,
            previous_manifest_offset=place.previous_manifest_offset,
            **content._asdict(),
        )
        self._deliver(producer, [(key, None) for key in ring.leftovers(place.slot, len(offsets), self._slots)])
        (offset,) = self._deliver(producer, [(manifest_key(place.slot), encode_manifest(manifest))])
        self._written = found = FoundManifest(offset, manifest)
        self._unfinished = "commit"
        self._commit(producer)
        return found

    def _deliver(
        self, producer: TransactionalProducer, records: list[tuple[bytes, bytes | None]], pause_s: float = 0.0
    ) -> list[int]:
        """Write records and give the offset of each."""
        offsets: list[int] = []
        failures: list[KafkaError] = []

        def note(error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            if error is None and offset is not None:
                offsets.append(offset)
            elif error is not None:
                failures.append(error)

        turn = iter(records)
        while some := list(islice(turn, RECORDS_AT_ONCE)):
            for key, value in some:
                producer.produce(SNAPSHOTS, value, key, self._shard, on_delivery=note)
            _flush(producer)
            sleep(pause_s)
        if failures:
            raise KafkaException(failures[0])
        assert len(offsets) == len(records), "each record was delivered or failed"
        return offsets

    def _end_what_is_open(self, producer: TransactionalProducer) -> None:
        """End a former snapshot's transaction; a commit that was begun can only be repeated."""
        if self._unfinished == "commit":
            self._commit(producer)
            assert self._ring is not None, "a snapshot was written, and its place came from the ring"
            assert self._written is not None, "what is committed was written"
            # It is in the log after all. The log is not asked: what was just committed cannot be read for a moment.
            self._ring.put(self._written)
        elif self._unfinished == "abort":
            self._abort(producer)

    def _recover_from(
        self, producer: TransactionalProducer, failure: KafkaException | BufferError | TimeoutError
    ) -> None:
        """Abort what can be aborted; raise the failure of a producer that will never write again."""
        if isinstance(failure, KafkaException):
            if is_final(failure.args[0]):
                raise failure
            if failure.args[0].txn_requires_abort():
                self._unfinished = "abort"
        if self._unfinished == "abort":
            try:
                self._abort(producer)
            except KafkaException as error:
                if is_final(error.args[0]):
                    raise  # Else the next snapshot begins with it.

    def _commit(self, producer: TransactionalProducer) -> None:
        for tries_left in reversed(range(COMMIT_TRIES)):
            try:
                producer.commit_transaction(COMMIT_TIMEOUT_S)
            except KafkaException as error:
                if not tries_left or not error.args[0].retriable():
                    raise
            else:
                break
        self._unfinished = None

    def _abort(self, producer: TransactionalProducer) -> None:
        producer.abort_transaction(COMMIT_TIMEOUT_S)
        self._unfinished = None


def _flush(producer: TransactionalProducer) -> None:
    try:
        undelivered = producer.flush(DELIVERY_TIMEOUT_S)
    except SystemError as error:
        # The client raises a fatal error before it calls back, and Python complains of the first one called.
        if isinstance(error.__cause__, KafkaException):
            raise error.__cause__ from error
        raise
    if undelivered:
        raise TimeoutError(f"the broker did not take {undelivered} records in {DELIVERY_TIMEOUT_S:.0f} s")


def is_final(error: KafkaError) -> bool:
    """Say whether a producer with this error was fenced, or will never write again for another reason."""
    return error.fatal() or error.code() in FENCED
