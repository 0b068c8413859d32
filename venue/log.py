"""How the worker reads its commands and writes its events: one writer, whole transactions, nothing twice."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from runtime.kafka import LogRecord, hidden_from, read_back, reader_options, record_of, transactional_producer_options
from runtime.settings import Settings
from runtime.transactions import TransactionalProducer, replaced
from schemas.record import replace
from schemas.topics import OTHER_PARTITIONS, VENUE_COMMANDS, VENUE_EVENTS
from schemas.venue import decode_venue_event, encode_venue
from schemas.venue_messages import VenueEvent
from venue.order_cache import OrderCache

TRANSACTIONAL_ID: Final = "venue-worker"
INIT_TIMEOUT_S: Final = 30.0
COMMIT_TIMEOUT_S: Final = 10.0
HIDDEN_S: Final = 1.0
PACE_S: Final = 0.005  # from one transaction to the next, at least
ALL: Final = 1 << 62
BATCH_MAX: Final = 200
POLL_S: Final = 0.2

log = structlog.get_logger(__name__)


class ConsumedCommand(NamedTuple):
    """A record of `venue.commands`, and its partition."""

    partition: int
    record: LogRecord


class _PendingAppend(NamedTuple):
    partition: int
    events: Sequence[VenueEvent]
    done: asyncio.Future[None]


class EventLog:
    """Appends events; a committed event is in the cache before the appender goes on.

    Whoever opens the log last is its one writer. Every other is fenced: it can neither write nor send an order, since
    each request is written first.
    """

    def __init__(self, settings: Settings, orders: OrderCache) -> None:
        self._settings = settings
        self._orders = orders
        self._pending: list[_PendingAppend] = []
        self._wakeup = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "venue-events")
        self._producer: TransactionalProducer | None = None

    async def open(self) -> None:
        """Fence the writer before, and read every event.

        No worker has a transaction open any more. Where somebody else has one among the events, what was committed
        behind it is hidden, and read when that ends: an order that is not known would be sent again.
        """
        loop = asyncio.get_running_loop()
        self._producer = await loop.run_in_executor(self._thread, self._fence)
        while (hidden := await loop.run_in_executor(self._thread, self._hidden)) is not None:
            log.warning("the worker waits", why=hidden)
            await asyncio.sleep(HIDDEN_S)
        await loop.run_in_executor(self._thread, self._read)

    async def append(self, partition: int, *events: VenueEvent) -> None:
        """Write events whole and in order, numbered; return when they are committed and in the cache."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append(_PendingAppend(partition, events, done))
        self._wakeup.set()
        await done

    async def write_for_ever(self) -> None:
        """Commit what is pending, for ever; a KafkaException where the log takes no more: the process then ends."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wakeup.wait()
            began = time.monotonic()
            self._wakeup.clear()
            pending, self._pending = self._pending, []
            numbered = self._numbered(pending)
            await loop.run_in_executor(self._thread, self._commit, numbered)
            for partition, event in numbered:
                self._orders.apply(partition, event)
            for one in pending:
                if not one.done.done():
                    one.done.set_result(None)
            await asyncio.sleep(max(0.0, began + PACE_S - time.monotonic()))

    def close(self) -> None:
        """Let go of the producer."""
        self._thread.shutdown(wait=True)
        self._producer = None

    def _hidden(self) -> str | None:
        """Say which partition's events cannot all be read."""
        assert self._producer is not None, "fenced before"
        for partition in range(OTHER_PARTITIONS):
            if hidden_from(self._settings, VENUE_EVENTS, partition) is None:
                continue
            self._producer.abort_left_over(VENUE_EVENTS, partition, INIT_TIMEOUT_S)
            begins = hidden_from(self._settings, VENUE_EVENTS, partition)
            if begins is not None:
                where = f"{VENUE_EVENTS}/{partition} from offset {begins} on"
                return f"a foreign transaction is open in {where}: the last committed event is known when it ends"
        return None

    def _read(self) -> None:
        for partition in range(OTHER_PARTITIONS):
            for record in read_back(self._settings, VENUE_EVENTS, partition, ALL):
                self._orders.apply(partition, decode_venue_event(record.value))

    def _fence(self) -> TransactionalProducer:
        producer = TransactionalProducer(transactional_producer_options(self._settings, TRANSACTIONAL_ID))
        producer.init_transactions(INIT_TIMEOUT_S)
        return producer

    def _numbered(self, pending: Sequence[_PendingAppend]) -> list[tuple[int, VenueEvent]]:
        seqs = dict(self._orders.seqs)
        numbered = []
        for one in pending:
            for event in one.events:
                seq = seqs[one.partition] = seqs.get(one.partition, 0) + 1
                numbered.append((one.partition, replace(event, seq=seq)))
        return numbered

    def _commit(self, numbered: Sequence[tuple[int, VenueEvent]]) -> None:
        assert self._producer is not None, "opened first"
        self._producer.begin_transaction()
        for partition, event in numbered:
            key = None if event.account_id is None else event.account_id.encode()
            self._producer.produce(VENUE_EVENTS, encode_venue(event), key, partition)
        self._producer.commit_transaction(COMMIT_TIMEOUT_S)
        if self._producer.is_doubtful:
            self._producer = self._fence_again(numbered)

    def _fence_again(self, committed: Sequence[tuple[int, VenueEvent]]) -> TransactionalProducer:
        """Give a new producer after what was just committed; where another worker has written since, this is none."""
        producer = self._fence()
        hidden = self._hidden()
        if hidden is not None:
            raise replaced(hidden)
        seqs = self._orders.seqs | {partition: event.seq for partition, event in committed}
        for partition in range(OTHER_PARTITIONS):
            last = read_back(self._settings, VENUE_EVENTS, partition, 1)
            found = decode_venue_event(last[0].value).seq if last else 0
            if found != seqs.get(partition, 0):
                reason = (
                    f"{VENUE_EVENTS}/{partition} ends at seq {found}, and this worker's at {seqs.get(partition, 0)}"
                )
                raise replaced(reason)
        log.info("a new producer follows on a commit that was slow or disturbed")
        return producer


async def read_commands(settings: Settings, next_offsets: Mapping[int, int]) -> AsyncIterator[list[ConsumedCommand]]:
    """Give the commands from these offsets on, in batches as they come, for ever."""
    consumer = Consumer(reader_options(settings, "reprise-venue") | {"enable.partition.eof": False})
    with contextlib.closing(consumer), ThreadPoolExecutor(1, "venue-commands") as thread:
        consumer.assign(
            [TopicPartition(VENUE_COMMANDS, number, next_offsets.get(number, 0)) for number in range(OTHER_PARTITIONS)]
        )
        while True:
            batch = await asyncio.get_running_loop().run_in_executor(thread, _poll_batch, consumer)
            if batch:
                yield batch


def _poll_batch(consumer: Consumer) -> list[ConsumedCommand]:
    first = consumer.poll(POLL_S)
    if first is None:
        return []
    batch = []
    for message in (first, *consumer.consume(BATCH_MAX, 0)):
        error, partition = message.error(), message.partition()
        if error is None:
            assert partition is not None, "a delivered record has a partition"
            batch.append(ConsumedCommand(partition, record_of(message)))
        elif error.fatal():
            raise KafkaException(error)
        else:
            # Brokers that are away come back; meanwhile the transactions find out where they do not.
            log.warning("commands not read", error=error.str())
    return batch
