"""How the log of a live cluster is read: up to where it ended when it was opened."""

from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from audit.log.differences import Difference
from audit.log.log_reader import Batches, Extent, LogUnreadable
from runtime.kafka import (
    FIRST_CONTACT_S,
    NO_TOPIC,
    UNDECIDED_TOO,
    LogRecord,
    Options,
    bounds,
    is_at_end,
    partition_count,
    reader_options,
    record_of,
    why_unread,
)
from runtime.settings import Settings
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

BATCH_MAX: Final = 10_000
POLL_S: Final = 0.2
SILENCE_S: Final = 30.0
# Nothing of a page of the broker's disk is believed that does not have its checksum.
EXACT: Final = {"check.crcs": True, "auto.offset.reset": "error", "fetch.message.max.bytes": 4 * 1024 * 1024}


class ClusterLog:
    """The log on some brokers."""

    def __init__(self, settings: Settings, extents: tuple[Extent, ...]) -> None:
        self._settings = settings
        self._extents = extents
        self.name = f"the cluster at {settings.kafka_brokers}"
        self.shards = len(extents)
        self.held = tuple(range(self.shards))

    def extent(self, shard: int) -> Extent:
        return self._extents[shard]

    def renewed(self) -> "ClusterLog":
        return open_cluster(self._settings)

    def commands(self, shard: int, first: int) -> Batches:
        return self._read(COMMANDS, shard, first, self._extents[shard].commands, UNDECIDED_TOO)

    def events(self, shard: int, first: int) -> Batches:
        return self._read(EVENTS, shard, first, self._extents[shard].events, {})

    def snapshots(self, shard: int) -> Batches:
        return self._read(SNAPSHOTS, shard, 0, self._extents[shard].snapshots, {})

    def damages(self, shard: int) -> list[Difference]:
        del shard
        return []

    def _read(self, topic: str, shard: int, first: int, end: int, options: Options) -> Batches:
        return read_topic(self._settings, topic, shard, first, end, options)


def open_cluster(settings: Settings) -> ClusterLog:
    """Note where the log ends now. Events first: the command of each event read is then among those read."""
    decided = Consumer(reader_options(settings, "reprise-audit"))
    all_there_is = Consumer(reader_options(settings, "reprise-audit") | UNDECIDED_TOO)
    try:
        shards = partition_count(decided, COMMANDS, FIRST_CONTACT_S)
        snapshots, events = (_ends(decided, topic, shards) for topic in (SNAPSHOTS, EVENTS))
        commands = _ends(all_there_is, COMMANDS, shards)
    except KafkaException as error:
        raise LogUnreadable(
            f"No ledger can be read: {_why_no_ledger(error, settings.kafka_brokers)}. `./reprise status` shows what "
            "runs; KAFKA_BROKERS names another broker, --data another instance."
        ) from error
    finally:
        decided.close()
        all_there_is.close()
    return ClusterLog(settings, tuple(map(Extent, commands, events, snapshots)))


def read_topic(settings: Settings, topic: str, partition: int, first: int, end: int, options: Options) -> Batches:
    """Give the records of a partition from one offset up to another, not included. Raises LogUnreadable."""
    if first >= end:
        return
    consumer = Consumer(reader_options(settings, "reprise-audit") | EXACT | options)
    try:
        # An offset that compaction or deletion took is no error here: what follows it says what is missing.
        low = bounds(consumer, topic, partition)[0]
        consumer.assign([TopicPartition(topic, partition, first if first > low else OFFSET_BEGINNING)])
        yield from _batches(consumer, f"{topic}/{partition}", first, end)
    except KafkaException as error:
        why = why_unread(error, settings.kafka_brokers)
        raise LogUnreadable(f"{topic}/{partition} cannot be read: {why}.") from error
    finally:
        consumer.close()


def _why_no_ledger(failure: KafkaException, brokers: str) -> str:
    if failure.args[0].code() in NO_TOPIC:
        return f"the broker at {brokers} has no topics of one"
    return why_unread(failure, brokers)


def _ends(consumer: Consumer, topic: str, shards: int) -> list[int]:
    found = partition_count(consumer, topic)
    if found != shards:
        raise LogUnreadable(f"{topic} has {found} partitions and {COMMANDS} has {shards}: this is no ledger.")
    return [bounds(consumer, topic, shard)[1] for shard in range(shards)]


def _batches(consumer: Consumer, partition: str, first: int, end: int) -> Iterator[list[LogRecord]]:
    """Read until the end is passed, or marked: control records are never delivered.

    A mark before the end that was read first is none. A leader that was just elected may not know yet how far its
    records are committed; were it believed, what comes behind it would go unread, and pass as not written yet.
    """
    silent, upcoming = 0.0, first
    while silent < SILENCE_S:
        messages = consumer.consume(BATCH_MAX, POLL_S)
        batch: list[LogRecord] = []
        ended = False
        unreadable: KafkaError | None = None
        at: int | None = None
        for message in messages:
            error = message.error()
            if error is None:
                batch.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
                ended = ended or is_at_end(message, end)
            elif not error.retriable():
                unreadable, at = error, message.offset()
                break
        silent = 0.0 if batch else silent + POLL_S
        upcoming = batch[-1].offset + 1 if batch else upcoming
        if unreadable is not None and at is not None and at >= 0:
            upcoming = at  # Of bytes that have not their checksum it is where their batch begins.
        if upcoming > end:
            batch = [record for record in batch if record.offset < end]
        if batch:
            yield batch
        if upcoming >= end or ended:
            return
        if unreadable is not None:
            raise LogUnreadable(f"{partition} cannot be read from offset {upcoming} on: {unreadable.str()}.", upcoming)
    what = f"{partition} gave nothing for {SILENCE_S:.0f} s from offset {upcoming} on, and ends at {end}."
    raise LogUnreadable(what, upcoming)
