"""How prices are recorded to a file that the recorded feed and `backpack-server` can play."""

import gzip
import signal
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import FrameType
from typing import IO, Final, cast

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from market_data.envelopes import write_quote
from market_data.feed import FeedQuote
from market_data.publisher import PublishedTick
from runtime.errors import FixableError
from runtime.kafka import end_offsets, reader_options
from runtime.settings import Settings
from schemas.topics import TICKS

BATCH: Final = 500
WAIT_S: Final = 0.2


def record(settings: Settings, file: Path) -> None:
    """Write the ticks from now on as Backpack envelopes, one a line, until SIGTERM or SIGINT.

    Prices, times and update ids are exact. Sizes are not on the topic, so the envelopes have none. `E` is when the tick
    was published. A file that exists is refused; one whose name ends in .gz is compressed.
    """
    if file.exists():
        raise FixableError(f"{file} exists already: name a new file.")
    if not file.name.removesuffix(".gz").endswith(".jsonl"):
        raise FixableError(f"{file} is not the name of a recording: end it in .jsonl or .jsonl.gz.")
    stopping = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    with ExitStack() as cleanup:
        for number in (signal.SIGTERM, signal.SIGINT):
            cleanup.callback(signal.signal, number, signal.signal(number, stop))
        count = record_until(settings, file, stopping)
    print(f"{count} quotes are in {file}.")


def record_until(settings: Settings, file: Path, stopping: Event) -> int:
    """Write until told to stop; gives how many quotes were written."""
    count = 0
    consumer = Consumer(reader_options(settings, "reprise-record"))
    try:
        ends = end_offsets(settings, TICKS)
        consumer.assign([TopicPartition(TICKS, partition, end) for partition, end in enumerate(ends)])
        with _created(file) as lines:
            print(f"Recording {TICKS} to {file}; Ctrl-C ends it.", flush=True)
            while not stopping.is_set():
                count += _write_batch(consumer, lines)
    finally:
        consumer.close()
    return count


def _write_batch(consumer: Consumer, lines: IO[bytes]) -> int:
    count = 0
    for message in consumer.consume(BATCH, WAIT_S):
        error, value = message.error(), message.value()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
                continue
            raise KafkaException(error)
        if value is None:
            continue
        tick = msgspec.json.decode(value, type=PublishedTick)
        quote = FeedQuote(
            symbol=tick.symbol,
            bid=tick.bid_text,
            ask=tick.ask_text,
            source_time=tick.source_time_us,
            update_id=tick.update_id,
        )
        lines.write(write_quote(quote, message.timestamp()[1] * 1000) + b"\n")
        count += 1
    # What was recorded is in the file, also when this process is killed.
    lines.flush()
    return count


def _created(file: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file, "xb")) if file.suffix == ".gz" else file.open("xb")
