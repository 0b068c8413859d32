"""How the tables are kept up with the log: read, write, ask where the log ends, and start over when emptied."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from projector.database import RETRY_S, TRANSIENT_ERRORS, retried
from projector.write.chain import ChainEntry
from projector.write.reader import EventReader
from projector.write.writer import TablesEmptied, Writer
from runtime.errors import FixableError
from runtime.pages import Readiness

CHECK_INTERVAL_S: Final = 1.0
SILENCE_MAX_S: Final = 5.0  # without an answer of both servers the service is not ready

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Projection:
    """The loop of the projector. `status` and `readiness` may be asked from another thread."""

    def __init__(self, reader: EventReader, writer: Writer, registry: CollectorRegistry, stopping: Event) -> None:
        self._reader = reader
        self._writer = writer
        self._stopping = stopping
        self._written: dict[int, int] = {}  # the offset up to which each shard is in the tables
        self._ends: dict[int, int] = {}
        # Of each shard an end it had not reached, and when that was asked for (µs).
        self._awaited: dict[int, tuple[int, int]] = {}
        self._checked_at: float | None = None
        self._events = Counter("events_written", "Events written to PostgreSQL", registry=registry)
        self._seconds = Histogram("write_seconds", "Time a batch took to write", registry=registry)
        self._lag = Gauge("lag_records", "Records not yet written", ["shard"], registry=registry)
        self._seq = Gauge("written_seq", "Last event written", ["shard"], registry=registry)

    def run(self) -> None:
        """Project until told to stop. Raises FixableError when it cannot go on; nothing is half-written then."""
        try:
            self._from_database(self._writer.load)
            self._start()
            while not self._stopping.is_set():
                self._run_once()
        except FixableError:
            raise
        except TRANSIENT_ERRORS as error:
            self._give_up("PostgreSQL", error)
        except KafkaException as error:
            self._give_up("Kafka", error)

    def status(self) -> Mapping[str, Any]:
        """Say how far each shard is. next_offset counts what only Kafka uses, such as the marks of transactions."""
        ends, written = self._ends, self._written
        return {
            "shards": [
                {
                    "shard": shard,
                    "seq": checkpoint.seq,
                    "next_offset": written.get(shard, checkpoint.next_offset),
                    "end_offset": ends.get(shard),
                    "lag": _lag(ends, written, shard),
                }
                for shard, checkpoint in self._writer.checkpoints.items()
            ]
        }

    def readiness(self) -> Readiness:
        """Ready while Kafka and PostgreSQL answer; lag does not make it unready."""
        checked_at = self._checked_at
        if checked_at is None:
            return Readiness(ready=False, why="Kafka and PostgreSQL have not both answered yet.")
        silence = time.monotonic() - checked_at
        if silence > SILENCE_MAX_S:
            return Readiness(ready=False, why=f"Kafka and PostgreSQL have not both answered for {silence:.0f} s.")
        return Readiness(ready=True, why=None)

    def _run_once(self) -> None:
        try:
            entries = self._reader.read()
            if entries:
                self._write(entries)
            self._written = dict(self._reader.reached)
            if self._checked_at is None or time.monotonic() - self._checked_at >= CHECK_INTERVAL_S:
                self._check_ends()
        except TablesEmptied:
            _log.warning("The tables were emptied; they are filled again from the beginning of the events.")
            self._start()

    def _start(self) -> None:
        next_offsets = {shard: checkpoint.next_offset for shard, checkpoint in self._writer.checkpoints.items()}
        retried(lambda: self._reader.start(next_offsets), (KafkaException,), self._stopping)
        self._written = next_offsets
        self._awaited = {}
        _log.info("Projecting from offsets %s.", next_offsets)

    def _write(self, entries: list[ChainEntry]) -> None:
        begun = time.perf_counter()
        self._events.inc(self._from_database(lambda: self._writer.write(entries)))
        self._seconds.observe(time.perf_counter() - begun)

    def _check_ends(self) -> None:
        """Ask where the log ends, and say in the tables at what time which shards had all of it."""
        now = time.time_ns() // 1_000
        ends = retried(self._reader.ends, (KafkaException,), self._stopping)
        current = self._current(ends, now)
        self._from_database(lambda: self._writer.confirm(current))
        self._ends = ends
        self._checked_at = time.monotonic()
        for shard, checkpoint in self._writer.checkpoints.items():
            self._lag.labels(shard).set(_lag(ends, self._written, shard) or 0)
            self._seq.labels(shard).set(checkpoint.seq)

    def _current(self, ends: Mapping[int, int], now: int) -> dict[int, int]:
        """Give the time at which the tables last had all of a shard, where it is known anew.

        A busy shard has always gone on by the time its end is known: it is current as of when the end it has now
        reached was asked for.
        """
        current = {}
        for shard, end in ends.items():
            written = self._written[shard]
            awaited = self._awaited.get(shard)
            if written >= end:
                current[shard] = now
                self._awaited.pop(shard, None)
            elif awaited is None:
                self._awaited[shard] = end, now
            elif written >= awaited[0]:
                current[shard] = awaited[1]
                self._awaited[shard] = end, now
        return current

    def _from_database(self, work: Callable[[], Result]) -> Result:
        return retried(work, TRANSIENT_ERRORS, self._stopping)

    def _give_up(self, server: str, error: Exception) -> None:
        if self._stopping.is_set():
            return  # A stop does not wait for a server that is away; what was not written is written next time.
        raise FixableError(
            f"{server} did not answer for {RETRY_S:.0f} s, and the projector gives up: {error}"
        ) from error


def _lag(ends: Mapping[int, int], written: Mapping[int, int], shard: int) -> int | None:
    if shard not in ends or shard not in written:
        return None
    return max(0, ends[shard] - written[shard])
