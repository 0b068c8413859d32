"""How a committed event finds the request that waits for it, and what is known of the log's end."""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from typing import Final, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from api.log.event_bus import EventBus
from api.log.price_cache import PriceCache
from runtime.kafka import LogRecord, read_back, reader_options
from runtime.settings import Settings
from schemas.codec import decode_event, event_type_of, header_of
from schemas.event_groups import MARKET_EVENTS
from schemas.events import Event, EventHeader
from schemas.sharding import PRICE_SHARD, shard_of
from schemas.topics import EVENTS

POLL_S: Final = 0.2
BATCH_MAX: Final = 1_000
RECENT_MAX: Final = 20_000
PRICE_TAIL: Final = 500  # events of the price shard that a start folds


class Outcome(NamedTuple):
    """What became of a command."""

    shard: int
    event: Event


class _Arrival(NamedTuple):
    """An outcome as it came."""

    shard: int
    header: EventHeader
    value: bytes


class NotAppended(Exception):  # Named in the past tense, as events are.
    """The log did not take the command, and will not."""


class Waiter:
    """One request that waits for the event of the very record it sent; used on the loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.outcome: asyncio.Future[Outcome] = loop.create_future()
        self._offset: int | None = None
        self._arrivals: list[_Arrival] = []

    def appended(self, offset: int) -> None:
        """Say where the record stands; below zero where only that it was appended is known."""
        self._offset = offset
        self._match()

    def failed(self, reason: str) -> None:
        """Say that the record was not appended."""
        if not self.outcome.done():
            self.outcome.set_exception(NotAppended(reason))

    def arrived(self, arrival: _Arrival) -> None:
        """Bring an outcome with the command's id; another send of the same id may be meant."""
        self._arrivals.append(arrival)
        self._match()

    def _match(self) -> None:
        if self._offset is None or self.outcome.done():
            return
        for arrival in self._arrivals:
            if self._offset < 0 or arrival.header.command_offset == self._offset:
                self.outcome.set_result(Outcome(arrival.shard, decode_event(arrival.value)))
                return


class Outcomes:
    """Reads every shard's committed events in a thread of its own."""

    def __init__(self, settings: Settings, prices: PriceCache, bus: EventBus) -> None:
        self.shards = settings.shards
        self._settings = settings
        self._prices = prices
        self._bus = bus
        self._seqs = [0] * settings.shards
        self._command_offsets = [-1] * settings.shards
        self._times = [0] * settings.shards
        self._waiters: dict[str, list[Waiter]] = {}
        self._recent: OrderedDict[str, _Arrival] = OrderedDict()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fold the tails, then follow from there; KafkaException where no broker answers."""
        self._loop = loop
        starts = []
        for shard in range(self._settings.shards):
            tail = read_back(self._settings, EVENTS, shard, PRICE_TAIL if shard == PRICE_SHARD else 1)
            for record in tail:
                self._take(shard, record.value)
            starts.append(TopicPartition(EVENTS, shard, _next_offset(tail)))
        consumer = Consumer(reader_options(self._settings, "reprise-api-outcomes") | {"enable.partition.eof": False})
        consumer.assign(starts)
        self._thread = threading.Thread(target=self._read_events, args=(consumer,), name="outcomes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close its consumer."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def is_reading(self) -> bool:
        """Say whether events are being read; once false after the start, only a new process mends it."""
        return self._thread is not None and self._thread.is_alive()

    def expect(self, command_id: str) -> Waiter:
        """Wait for a command's outcome, from before it is sent; `forget` it afterwards."""
        waiter = Waiter(asyncio.get_running_loop())
        self._waiters.setdefault(command_id, []).append(waiter)
        return waiter

    def forget(self, command_id: str, waiter: Waiter) -> None:
        """Wait no longer."""
        waiters = self._waiters[command_id]
        waiters.remove(waiter)
        if not waiters:
            del self._waiters[command_id]

    def recent(self, command_id: str) -> Outcome | None:
        """Give the first outcome of a command whose id is remembered, where it came lately."""
        arrival = self._recent.get(command_id)
        return None if arrival is None else Outcome(arrival.shard, decode_event(arrival.value))

    def shard_of(self, account_id: str) -> int:
        """Give the shard an account's events are in."""
        return shard_of(account_id, self.shards)

    def seq(self, shard: int) -> int:
        """Give the last event's seq."""
        return self._seqs[shard]

    def command_offset(self, shard: int) -> int:
        """Give the last event's command offset, -1 before the first."""
        return self._command_offsets[shard]

    def time(self, shard: int) -> int:
        """Give the last event's log time in µs, 0 before the first."""
        return self._times[shard]

    def _read_events(self, consumer: Consumer) -> None:
        with contextlib.closing(consumer):
            while not self._ended.is_set():
                # The first message ends the wait, then whatever else is there comes with it.
                first = consumer.poll(POLL_S)
                if first is None:
                    continue
                arrivals = []
                for message in (first, *consumer.consume(BATCH_MAX, 0)):
                    arrival = self._take_message(message)
                    if arrival is not None and arrival.header.command_id in self._waiters:
                        arrivals.append(arrival)
                if arrivals:
                    self._hand_over(arrivals)
                self._bus.flush(self._loop)

    def _take_message(self, message: Message) -> _Arrival | None:
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # Its public name in this library.
                structlog.get_logger().warning("events not read", error=error.str())
            return None
        shard, value = message.partition(), message.value()
        assert shard is not None, "every event has a place"
        assert value is not None, "every event has a value"
        return self._take(shard, value)

    def _take(self, shard: int, value: bytes) -> _Arrival | None:
        """Note one event; give it back when it is a client's or a broadcast's outcome."""
        header = header_of(value)
        if header.seq <= self._seqs[shard]:
            return None
        market = None
        if shard == PRICE_SHARD and issubclass(event_type_of(value), MARKET_EVENTS):
            market = decode_event(value)
            assert isinstance(market, MARKET_EVENTS), "the header says so"
            self._prices.fold(market)
        # Behind the fold: whoever reads a seq and then a price has a price of that event or a later one.
        self._seqs[shard] = header.seq
        self._command_offsets[shard] = header.command_offset
        self._times[shard] = header.time
        self._bus.note(shard, header, value, market)
        if header.index != 0 or header.command_id is None:
            return None
        arrival = _Arrival(shard, header, value)
        if header.command_hash is not None:
            self._recent[header.command_id] = arrival
            if len(self._recent) > RECENT_MAX:
                self._recent.popitem(last=False)
        return arrival

    def _hand_over(self, arrivals: list[_Arrival]) -> None:
        assert self._loop is not None, "started with a loop"
        # At the end of the process the loop may be closed already, and nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, arrivals)

    def _settle(self, arrivals: list[_Arrival]) -> None:
        for arrival in arrivals:
            for waiter in self._waiters.get(arrival.header.command_id or "", ()):
                waiter.arrived(arrival)


def _next_offset(tail: list[LogRecord]) -> int:
    return tail[-1].offset + 1 if tail else 0
