"""Which events the log has: read from Kafka, in each shard's order, from any place, and checked on the way."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from reprise_client.decoding import Decoder
from reprise_client.errors import RepriseError

TOPIC: Final = "exchange.events"
GROUP: Final = "reprise-client"
DIGEST_SIZE: Final = 16
TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.5


class LogBroken(RepriseError):
    """The log is not what the engine wrote: an event is missing, is there twice, or was altered."""


class Bookmark(NamedTuple):
    """How far a shard was read: keep it with what you made of its events. digest: hex, of the last event."""

    shard: int
    next_offset: int
    seq: int
    digest: str


class Event(NamedTuple):
    """One event. fields: by name, money in micros, prices in ticks; bytes are hex digits, as in the JSON Schemas.

    bookmark: where to go on after it; its `next_offset` is what a Kafka consumer group would commit.
    """

    shard: int
    offset: int
    type: str
    fields: Mapping[str, Any]
    bookmark: Bookmark


def read_events(
    brokers: str,
    *,
    after: Iterable[Bookmark] = (),
    shards: Iterable[int] | None = None,
    verify_digests: bool = False,
    until_end: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Event]:
    """Give committed events, each once; a shard without a bookmark from its first on.

    That none is missing is always checked, by `seq`; verify_digests: also that no byte was altered. until_end: stop
    where the log ended when the reading began. options: more of librdkafka's. Raises LogBroken, UnknownSchema, and
    confluent_kafka's KafkaException.
    """
    consumer = Consumer(
        {
            "group.id": GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            **(options or {}),
            "bootstrap.servers": brokers,
        }
    )
    try:
        yield from _read(consumer, {mark.shard: mark for mark in after}, shards, verify_digests, until_end)
    finally:
        consumer.close()


def first_digest(shard: int) -> str:
    """Give what a shard's first event takes as the digest before it."""
    return blake2b(f"reprise/{shard}".encode(), digest_size=DIGEST_SIZE).hexdigest()


def _read(
    consumer: Consumer,
    marks: dict[int, Bookmark],
    shards: Iterable[int] | None,
    verify_digests: bool,
    until_end: bool,
) -> Iterator[Event]:
    decoder = Decoder()
    found = consumer.list_topics(TOPIC, timeout=TIMEOUT_S).topics[TOPIC]
    if found.error is not None:
        raise KafkaException(found.error)
    wanted = set(found.partitions if shards is None else shards)
    marks = {shard: marks.get(shard, Bookmark(shard, 0, 0, first_digest(shard))) for shard in wanted}
    # A transaction's end takes an offset too, so what is left is known by the mark that librdkafka sends at the end,
    # and by the end itself: a leader that was just elected may mark one too early.
    ends = {shard: _end(consumer, shard) for shard in wanted} if until_end else {}
    unread = set(wanted)
    consumer.assign([TopicPartition(TOPIC, shard, mark.next_offset) for shard, mark in marks.items()])
    while unread or not until_end:
        message = consumer.poll(POLL_S)
        if message is None:
            continue
        shard = message.partition()
        assert shard is not None, "a message or a mark is of a partition"
        if _is_end(message):
            offset = message.offset()
            if offset is not None and offset >= ends.get(shard, 0):
                unread.discard(shard)
            continue
        event = _event(decoder, shard, message, marks[shard], verify_digests)
        marks[shard] = event.bookmark
        yield event


def _end(consumer: Consumer, shard: int) -> int:
    extent = consumer.get_watermark_offsets(TopicPartition(TOPIC, shard), timeout=TIMEOUT_S)
    if extent is None:
        raise TimeoutError(f"the broker did not say in {TIMEOUT_S:.0f} s where shard {shard} of {TOPIC} ends")
    _, end = extent
    return end


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
        return True
    raise KafkaException(error)


def _event(decoder: Decoder, shard: int, message: Message, before: Bookmark, verify_digests: bool) -> Event:
    value, offset = message.value() or b"", message.offset()
    assert offset is not None, "a delivered record has an offset"
    kind, fields = decoder.decode(value)
    seq, digest = fields["seq"], value[-DIGEST_SIZE:]
    if seq != before.seq + 1:
        raise LogBroken(f"shard {shard} has event {seq} at offset {offset}, where {before.seq + 1} should be")
    if verify_digests:
        chained = blake2b(bytes.fromhex(before.digest) + value[:-DIGEST_SIZE], digest_size=DIGEST_SIZE).digest()
        if chained != digest:
            raise LogBroken(f"shard {shard}, event {seq}: it, or one before it, was altered; its digest is not its own")
    return Event(shard, offset, kind, fields, Bookmark(shard, offset + 1, seq, digest.hex()))
