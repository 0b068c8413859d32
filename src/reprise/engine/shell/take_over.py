"""In which order a shard is taken over, so that its former owner can do no harm."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from reprise.engine.shell.start import Start, start_of
from reprise.runtime.kafka import read_back, reader_options, transactional_producer_options
from reprise.runtime.settings import Settings
from reprise.schemas.codec import digest_of, first_digest, read_event
from reprise.schemas.topics import COMMANDS, EVENTS

FENCE_TIMEOUT_S: Final = 15.0
FENCE_TRIES: Final = 3
ANSWER_TIMEOUT_S: Final = 10.0
# The most that may wait for one commit; the outbox keeps far below it, one command with many stop-outs may not.
QUEUE: Final = {"queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1_048_576}


class Watermark(NamedTuple):
    """The last committed event: up to it outputs exist."""

    seq: int
    digest: bytes


class Producers(NamedTuple):
    """The only two clients that may write a shard's outputs."""

    events: Producer
    snapshots: Producer


class TakenOver(NamedTuple):
    """A shard that nobody else can write to any more, and what its recovery has to reach.

    first_offset, end_offset: of the commands, as they were after the fencing.
    """

    producers: Producers
    watermark: Watermark
    start: Start
    first_offset: int
    end_offset: int


def take_over(settings: Settings, shard: int) -> TakenOver:
    """Fence the former owner, then read how far it came. Never the other way round. Blocks; for a thread."""
    with ThreadPoolExecutor(2, f"fence-{shard}") as pool:
        events, snapshots = pool.map(
            lambda transactional_id: _fence(settings, transactional_id),
            (f"engine-{shard}", f"engine-{shard}-snapshots"),
        )
    watermark = _watermark(settings, shard)
    start = start_of(shard, settings.shards)
    first_offset, end_offset = _bounds(settings, shard)
    return TakenOver(Producers(events, snapshots), watermark, start, first_offset, end_offset)


def _fence(settings: Settings, transactional_id: str) -> Producer:
    """Give the one producer that may write under this id; whatever its predecessor left open is aborted."""
    producer = Producer(transactional_producer_options(settings, transactional_id) | QUEUE)
    # Once it is connected the fencing takes 10 ms; asked before, it looks again half a second later.
    producer.list_topics(EVENTS, timeout=ANSWER_TIMEOUT_S)
    for tries_left in reversed(range(FENCE_TRIES)):
        try:
            producer.init_transactions(FENCE_TIMEOUT_S)
        except KafkaException as error:
            if not tries_left or not error.args[0].retriable():
                raise
        else:
            break
    return producer


def _watermark(settings: Settings, shard: int) -> Watermark:
    last = read_back(settings, EVENTS, shard, 1)
    if not last:
        return Watermark(0, first_digest(shard))
    return Watermark(read_event(last[0].value).seq, digest_of(last[0].value))


def _bounds(settings: Settings, shard: int) -> tuple[int, int]:
    consumer = Consumer(reader_options(settings, f"engine-{shard}-bounds"))
    try:
        bounds = consumer.get_watermark_offsets(TopicPartition(COMMANDS, shard), timeout=ANSWER_TIMEOUT_S)
    finally:
        consumer.close()
    if bounds is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no answer about the end of {COMMANDS}/{shard}"))  # noqa: SLF001
    return bounds
