"""Which events the log has: read from Kafka, in each shard's order, from any place, and checked on the way."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from confluent_kafka import Message

from reprise_client.brokers import Bookmark, Brokers, LogRefused, broker_options, is_end, is_file
from reprise_client.decoding import Decoder
from reprise_client.errors import RepriseError

TOPIC: Final = "exchange.events"
DIGEST_SIZE: Final = 16
PATIENCE_S: Final = 30.0


class LogBroken(RepriseError):
    """The log is not what the engine wrote: an event is missing, is there twice, or was altered."""


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
    brokers: str | Path,
    *,
    after: Iterable[Bookmark] = (),
    shards: Iterable[int] | None = None,
    verify_digests: bool = False,
    until_end: bool = False,
    options: Mapping[str, Any] | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[Event]:
    """Give committed events, each once; a shard without a bookmark from its first on.

    brokers: HOST:PORT by commas, or the path of a file of librdkafka's options, such as an instance writes. That none
    is missing is always checked, by `seq`; verify_digests: also that no byte was altered. until_end: stop where
    the log ended when the reading began. options: more of librdkafka's. patience_s: for how long brokers may not
    answer; one that comes back in time is read on where it was left. Raises LogBroken and UnknownSchema; LogUnreachable
    and LogRefused, whose `bookmarks` say from where to go on.
    """
    marks = {mark.shard: mark for mark in after}
    found = broker_options(brokers) if is_file(brokers) else {"bootstrap.servers": brokers}
    source = Brokers(TOPIC, {**found, **(options or {})}, patience_s, marks)
    try:
        yield from _read(source, marks, shards, verify_digests, until_end)
    finally:
        source.close()


def first_digest(shard: int) -> str:
    """Give what a shard's first event takes as the digest before it."""
    return blake2b(f"reprise/{shard}".encode(), digest_size=DIGEST_SIZE).hexdigest()


def _read(
    source: Brokers,
    marks: dict[int, Bookmark],
    shards: Iterable[int] | None,
    verify_digests: bool,
    until_end: bool,
) -> Iterator[Event]:
    decoder = Decoder()
    found = source.shards()
    wanted = found if shards is None else set(shards)
    begun = {shard: marks.get(shard, Bookmark(shard, 0, 0, first_digest(shard))) for shard in sorted(wanted)}
    marks.clear()
    marks |= begun
    if not wanted <= found:
        raise LogRefused(f"{TOPIC} has the shards {sorted(found)}, and not {sorted(wanted - found)}", source.marks)
    # A transaction's end takes an offset too, so what is left is known by the mark that librdkafka sends at the end,
    # and by the end itself: a leader that was just elected may mark one too early.
    ends = {shard: source.end(shard) for shard in wanted} if until_end else {}
    unread = set(wanted)
    source.assign()
    while unread or not until_end:
        message = source.next()
        if message is None:
            continue
        shard = message.partition()
        assert shard is not None, "a message or a mark is of a partition"
        if is_end(message):
            offset = message.offset()
            if offset is not None and offset >= ends.get(shard, 0):
                unread.discard(shard)
            continue
        event = _event(decoder, shard, message, marks[shard], verify_digests)
        marks[shard] = event.bookmark
        yield event


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
