"""How the venue's topics, which are a log of their own, become files and records again."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from audit.log.cluster import read_topic
from audit.log.export_log import write_file
from audit.log.folder import read_records
from runtime.errors import FixableError
from runtime.kafka import (
    UNDECIDED_TOO,
    LogRecord,
    Options,
    append_record,
    command_producer_options,
    end_offsets,
    why_unread,
)
from runtime.settings import Settings
from schemas.topics import OTHER_PARTITIONS, VENUE_COMMANDS, VENUE_EVENTS

TIMEOUT_S: Final = 30.0
# Events first: the command of each event that is read is then among those read.
TOPICS: Final[tuple[tuple[str, Options], ...]] = ((VENUE_EVENTS, {}), (VENUE_COMMANDS, UNDECIDED_TOO))


class VenueExtent:
    """How far the venue's topics go now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        try:
            self._ends = {topic: end_offsets(settings, topic) for topic, _ in TOPICS}
        except KafkaException as error:
            why = why_unread(error, settings.kafka_brokers)
            raise FixableError(f"The venue's topics cannot be read: {why}.") from error

    def write(self, folder: Path) -> list[str]:
        """Write each partition to a file; the names of the files."""
        (folder / "venue").mkdir()
        names = []
        for topic, options in TOPICS:
            for partition, end in enumerate(self._ends[topic]):
                batches = read_topic(self._settings, topic, partition, 0, end, options)
                names.append(write_file(folder / "venue", topic, partition, batches, end, lambda _: None).name)
        return [f"venue/{name}" for name in names]


def import_venue_log(folder: Path, settings: Settings) -> None:
    """Append what such files hold to empty topics, in their order and at their times.

    What happened at the venue refers to its commands by their offsets, so these must be what they were.
    """
    producer = Producer(command_producer_options(settings, "reprise-import") | {"linger.ms": 5})
    failures: list[str] = []
    for topic, _ in TOPICS:
        for partition in range(OTHER_PARTITIONS):
            for record in _records(folder / "venue" / f"{topic}-{partition}.avro"):
                expected = record.offset if topic == VENUE_COMMANDS else None
                append_record(producer, topic, partition, record, partial(_delivered, failures, topic, expected))
    if producer.flush(TIMEOUT_S) or failures:
        raise FixableError(failures[0] if failures else "The broker did not acknowledge the venue's records in time.")


def _records(path: Path) -> Iterator[LogRecord]:
    return (record for batch in read_records(path) for record in batch)


def _delivered(
    failures: list[str], topic: str, expected: int | None, error: KafkaError | None, message: Message
) -> None:
    if error is not None:
        failures.append(f"A record of {topic} was not appended: {error.str()}.")
    elif expected is not None and message.offset() != expected:
        failures.append(f"Record {expected} of {topic} came to stand at offset {message.offset()}.")
