"""How prices are recorded to a file that the recorded feed and `backpack-server` can play."""

import gzip
import signal
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import FrameType
from typing import IO, Final, NamedTuple, cast

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from market_data.envelopes import LOGGED_MAX, write_quote
from market_data.feed import FeedQuote
from market_data.prices import PriceUnsound, refuse_unsound
from market_data.publisher import PublishedTick
from market_data.source_times import UnreadableTime, micros_of_number
from runtime.errors import FixableError
from runtime.kafka import end_offsets, reader_options
from runtime.settings import Settings
from schemas.topics import TICKS

BATCH: Final = 500
WAIT_S: Final = 0.2


class RecordedCounts(NamedTuple):
    """How many records became quotes of the file, and how many could not."""

    quotes: int
    left_out: int


class NotRecordable(ValueError):
    """A record that would make a recording that cannot be played; the text says why."""


def record(settings: Settings, file: Path) -> None:
    """Write the ticks from now on as Backpack envelopes, one a line, until SIGTERM or SIGINT.

    Prices, sizes, times and update ids are exact. `E` is when the tick was published. A file that exists is refused;
    one whose name ends in .gz is compressed.
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
        counts = record_until(settings, file, stopping)
    print(f"{counts.quotes} quotes are in {file}.")
    if counts.left_out:
        print(f"{counts.left_out} records of {TICKS} were left out: they are no ticks, or older than the one before.")


def record_until(settings: Settings, file: Path, stopping: Event) -> RecordedCounts:
    """Write until told to stop; gives how many quotes were written, and how many records are none."""
    consumer = Consumer(reader_options(settings, "reprise-record"))
    try:
        ends = end_offsets(settings, TICKS)
        consumer.assign([TopicPartition(TICKS, partition, end) for partition, end in enumerate(ends)])
        with _created(file) as lines:
            print(f"Recording {TICKS} to {file}; Ctrl-C ends it.", flush=True)
            recorder = _Recorder(lines)
            while not stopping.is_set():
                recorder.write(consumer.consume(BATCH, WAIT_S))
            return RecordedCounts(recorder.quotes, recorder.left_out)
    except OSError as error:
        raise FixableError(f"{file} cannot be written: {error.strerror or error}.") from error
    except KafkaException as error:
        raise FixableError(f"{TICKS} cannot be read; what was recorded is in {file}. {error}") from error
    finally:
        consumer.close()


class _Recorder:
    """Writes what can be played again, and counts the rest."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._newest: dict[str, tuple[int, int]] = {}
        self.quotes = 0
        self.left_out = 0

    def write(self, messages: list[Message]) -> None:
        """Write the quotes of some records. They are in the file then, also when this process is killed."""
        for message in messages:
            error, value = message.error(), message.value()
            if error is not None:
                self._take_error(error)
                continue
            try:
                quote = self._quote_of(value or b"")
            except NotRecordable as refusal:
                self.left_out += 1
                if self.left_out == 1:
                    print(f"A record of {TICKS} is left out, as others like it will be: {refusal}", flush=True)
                continue
            self._newest[quote.symbol] = quote.source_time, quote.update_id
            self._lines.write(write_quote(quote, message.timestamp()[1] * 1000) + b"\n")
            self.quotes += 1
        self._lines.flush()

    def _quote_of(self, value: bytes) -> FeedQuote:
        try:
            tick = msgspec.json.decode(value, type=PublishedTick)
            quote = FeedQuote(
                symbol=tick.symbol,
                bid=tick.bid_text,
                ask=tick.ask_text,
                source_time=tick.source_time_us,
                update_id=tick.update_id,
                bid_size=tick.bid_size,
                ask_size=tick.ask_size,
            )
            refuse_unsound(quote)
            if micros_of_number(quote.source_time) != quote.source_time:
                raise NotRecordable(f"its time {quote.source_time} is not in microseconds")
        except (msgspec.DecodeError, UnicodeDecodeError, PriceUnsound, UnreadableTime) as error:
            raise NotRecordable(str(error)[:LOGGED_MAX]) from None
        if (quote.source_time, quote.update_id) <= self._newest.get(quote.symbol, (0, 0)):
            raise NotRecordable(f"a quote of {quote.symbol} that is not newer than the one before it")
        return quote

    def _take_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
            return
        if error.fatal():
            raise KafkaException(error)
        # Brokers that are away come back.
        print(f"Kafka: {error.str()}", flush=True)


def _created(file: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file, "xb")) if file.suffix == ".gz" else file.open("xb")
