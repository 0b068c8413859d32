"""How orders get into `venue.commands`, and how their updates reach those who listen, PENDING first."""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from api.log.outcomes import NotAppended
from runtime.cluster import ClusterWatch
from runtime.kafka import command_producer_options, end_offsets, reader_options
from runtime.settings import Settings
from schemas.codec import NotDecodable
from schemas.topics import VENUE_COMMANDS, VENUE_EVENTS
from schemas.venue import STATUS_AFTER, VenueStatus, decode_venue_command, decode_venue_event, encode_venue
from schemas.venue_messages import (
    PlaceVenueOrder,
    VenueCommand,
    VenueOrder,
    VenueOrderAbandoned,
    VenueOrderExpired,
    VenueOrderReceived,
    VenueOrderRejected,
    VenueOrderUnknown,
)

POLL_S: Final = 0.2
DEADLINE_S: Final = 10
BATCH_MAX: Final = 200
KNOWN_MAX: Final = 20_000


class LogPosition(NamedTuple):
    """The place of a command in `venue.commands`."""

    partition: int
    offset: int


class VenueUpdate(NamedTuple):
    """What became of an order; executed_…: all so far, null where the event says nothing of it."""

    account_id: str
    order: VenueOrder
    status: VenueStatus
    venue_order_id: int | None
    executed_quantity: str | None
    executed_quote: str | None
    code: str | None
    message: str | None
    time: int


Listener = Callable[[VenueUpdate], None]


class VenueChannel:
    """A producer of commands, and a thread that follows both topics from the end they have when it starts."""

    def __init__(self, settings: Settings, cluster: ClusterWatch) -> None:
        self._settings = settings
        self._cluster = cluster
        options = command_producer_options(settings, "reprise-api-venue") | {"delivery.timeout.ms": DEADLINE_S * 1_000}
        self._producer = Producer(options)
        self._listeners: dict[str, list[Listener]] = {}
        self._pending: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow from here on; KafkaException where no broker answers."""
        self._loop = loop
        starts = [
            TopicPartition(topic, partition, offset)
            for topic in (VENUE_COMMANDS, VENUE_EVENTS)
            for partition, offset in enumerate(end_offsets(self._settings, topic))
        ]
        consumer = Consumer(reader_options(self._settings, "reprise-api-venue") | {"enable.partition.eof": False})
        consumer.assign(starts)
        self._threads = [
            threading.Thread(target=self._follow, args=(consumer,), name="venue-updates", daemon=True),
            threading.Thread(target=self._acknowledge, name="venue-acknowledgements", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send what waits, for a bounded time, and end the threads."""
        self._producer.flush(POLL_S)
        self._ended.set()
        for thread in self._threads:
            thread.join()

    async def send(self, command: VenueCommand) -> LogPosition:
        """Append a command; NotAppended where the log did not say in time that it has it, or is another's."""
        if self._cluster.why is not None:
            raise NotAppended(self._cluster.why)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[LogPosition] = loop.create_future()

        def settle(error: KafkaError | None, place: LogPosition) -> None:
            if not done.done():
                if error is None:
                    done.set_result(place)
                else:
                    done.set_exception(NotAppended(error.str()))

        def delivered(error: KafkaError | None, message: Message) -> None:
            place = LogPosition(message.partition() or 0, message.offset() or 0)
            # At the end of the process the loop may be closed already, and nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, error, place)

        try:
            self._producer.produce(
                VENUE_COMMANDS, encode_venue(command), command.account_id.encode(), on_delivery=delivered
            )
        except BufferError as error:
            raise NotAppended(str(error)) from error
        return await done

    def listen(self, account_id: str, listener: Listener) -> Callable[[], None]:
        """Have a function called on the loop for each update of an account; what is given back ends that."""
        listeners = self._listeners.setdefault(account_id, [])
        listeners.append(listener)

        def end() -> None:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(account_id, None)

        return end

    def _acknowledge(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(POLL_S)

    def _follow(self, consumer: Consumer) -> None:
        with contextlib.closing(consumer):
            while not self._ended.is_set():
                for message in consumer.consume(BATCH_MAX, POLL_S):
                    update = self._update(message)
                    if update is not None:
                        self._hand_over(update)

    def _update(self, message: Message) -> VenueUpdate | None:
        if message.error() is not None:
            return None  # The brokers come back, or the outcomes' thread finds out that they do not.
        try:
            if message.topic() == VENUE_COMMANDS:
                return self._of_command(decode_venue_command(message.value()), message.timestamp()[1] * 1_000)
            return self._of_event(message.value())
        except NotDecodable as error:
            structlog.get_logger().warning("venue record not read", error=str(error))
            return None

    def _of_command(self, command: VenueCommand, time: int) -> VenueUpdate | None:
        if not isinstance(command, PlaceVenueOrder):
            return None
        return self._first(command.account_id, command.order, time)

    def _of_event(self, value: bytes | None) -> VenueUpdate | None:
        event = decode_venue_event(value)
        status = STATUS_AFTER.get(type(event))
        order: VenueOrder | None = getattr(event, "order", None)
        if status is None or order is None or event.account_id is None:
            return None
        if isinstance(event, VenueOrderReceived):
            # Two topics have no common order: whichever has it first, an order is pending once, and first of all.
            return self._first(event.account_id, order, event.time)
        if status == "pending":
            return None
        why = event if isinstance(event, VenueOrderRejected | VenueOrderAbandoned) else None
        reason = event.reason if isinstance(event, VenueOrderUnknown | VenueOrderExpired) else None
        return VenueUpdate(
            account_id=event.account_id,
            order=order,
            status=status,
            venue_order_id=getattr(event, "venue_order_id", None),
            executed_quantity=getattr(event, "executed_quantity", None),
            executed_quote=getattr(event, "executed_quote", None),
            code=None if why is None else why.code,
            message=reason if why is None else why.message,
            time=event.time,
        )

    def _first(self, account_id: str, order: VenueOrder, time: int) -> VenueUpdate | None:
        key = (account_id, order.order_id)
        if key in self._pending:
            return None
        self._pending[key] = None
        if len(self._pending) > KNOWN_MAX:
            self._pending.popitem(last=False)
        return VenueUpdate(account_id, order, "pending", None, None, None, None, None, time)

    def _hand_over(self, update: VenueUpdate) -> None:
        assert self._loop is not None, "started with a loop"
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, update)

    def _tell(self, update: VenueUpdate) -> None:
        for listener in tuple(self._listeners.get(update.account_id, ())):
            listener(update)
