"""How the venue's orders are kept up in PostgreSQL: a thread of the projector, beside the ledger's."""

import logging
import time
from threading import Event, Thread
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from sqlalchemy import Engine

from projector.database import RETRY_S, TRANSIENT_ERRORS, retried
from projector.write.pace import PacedReader
from projector.write.venue_writer import TOPICS, VenueCheckpoint, VenueEntry, VenueWriter
from projector.write.writer import TablesEmptied
from runtime.errors import FixableError
from runtime.kafka import reader_options, record_of
from runtime.settings import Settings
from schemas.codec import NotDecodable
from schemas.topics import OTHER_PARTITIONS, VENUE_COMMANDS
from schemas.venue import decode_venue_command, decode_venue_event
from schemas.venue_messages import VenueMessage

BATCH_MAX: Final = 500
PACE_S: Final = 0.05
CHECK_INTERVAL_S: Final = 1.0

_log = logging.getLogger(__name__)


class VenueProjection:
    """Reads both topics and writes what they say; where it cannot go on it says why and stops the process."""

    def __init__(self, settings: Settings, engine: Engine, stopping: Event) -> None:
        self._settings = settings
        self._writer = VenueWriter(engine)
        self._stopping = stopping
        self._failure: Exception | None = None
        self._wrote_at = 0.0
        self._thread = Thread(target=self._run, name="venue-projection")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Wait for the thread, which ends with `stopping`; raise what ended it, if anything did."""
        self._stopping.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        consumer = Consumer(
            reader_options(self._settings, "reprise-projector-venue")
            # A broker answers at once where there is something; where there is nothing it need not say so often.
            | {"enable.partition.eof": False, "fetch.wait.max.ms": 500}
        )
        messages = PacedReader(consumer, BATCH_MAX, PACE_S)
        try:
            retried(self._writer.load, TRANSIENT_ERRORS, self._stopping)
            self._assign(consumer)
            while not self._stopping.is_set():
                self._run_once(consumer, messages)
        except TRANSIENT_ERRORS as error:
            self._give_up(f"PostgreSQL did not answer for {RETRY_S:.0f} s: {error}")
        except KafkaException as error:
            self._give_up(f"Kafka did not answer: {error}")
        except (NotDecodable, AssertionError) as error:
            self._give_up(f"a record of {TOPICS[1]} is not what comes next ({error}); the log was altered")
        finally:
            consumer.close()

    def _run_once(self, consumer: Consumer, messages: PacedReader) -> None:
        entries = [entry for message in messages.read() if (entry := _entry(message)) is not None]
        # Now and then without entries too: so a rebuild is noticed.
        if not entries and time.monotonic() - self._wrote_at < CHECK_INTERVAL_S:
            return
        self._wrote_at = time.monotonic()
        try:
            retried(lambda: self._writer.write(entries), TRANSIENT_ERRORS, self._stopping)
        except TablesEmptied:
            _log.warning("The venue's tables were emptied; they are filled again from the beginning.")
            self._assign(consumer)

    def _assign(self, consumer: Consumer) -> None:
        start = VenueCheckpoint(0, 0)
        consumer.assign(
            [
                TopicPartition(
                    topic,
                    partition,
                    self._writer.checkpoints.get((topic, partition), start).next_offset or OFFSET_BEGINNING,
                )
                for topic in TOPICS
                for partition in range(OTHER_PARTITIONS)
            ]
        )

    def _give_up(self, why: str) -> None:
        if not self._stopping.is_set():
            self._failure = FixableError(f"The venue's orders cannot be projected, and the projector gives up: {why}")
            self._stopping.set()


def _entry(message: Message) -> VenueEntry | None:
    error, topic, partition = message.error(), message.topic(), message.partition()
    if error is not None:
        if error.fatal():
            raise KafkaException(error)
        # Brokers that are away come back, or the ledger's projection finds out that they do not.
        _log.warning("The brokers answered with an error: %s", error.str())
        return None
    assert topic is not None, "a delivered record has a topic"
    assert partition is not None, "a delivered record has a partition"
    record = record_of(message)
    read: VenueMessage | None
    if topic == VENUE_COMMANDS:
        try:
            read = decode_venue_command(record.value)
        except NotDecodable:
            read = None  # The worker says so in an event.
    else:
        read = decode_venue_event(record.value)
    return VenueEntry(topic, partition, record.offset, record.timestamp_ms, read)
