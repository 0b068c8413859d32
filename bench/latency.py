"""How soon the outcome of a command is committed at 1,000 commands a second, beside a bare produce and consume."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from confluent_kafka import Consumer

from bench._cpu import broker, cpu_time
from bench._quantiles import latencies
from bench._worker import (
    SHARD,
    append,
    bench_producer,
    engine_worker,
    flush,
    has_record,
    make_topic,
    one_shard,
    reader_at_end,
    value_of,
    wait_until_executed,
)
from bench._workload import COMMANDS_PER_ACCOUNT, accounts_of, clock, opening_day, prices, trading_day
from bench.report.figures import CpuUse, Measured
from runtime.errors import FixableError
from runtime.settings import Settings
from schemas.codec import decode_event, encode_command
from schemas.commands import Command
from schemas.topics import COMMANDS, EVENTS

PER_SECOND: Final = 1_000
AT_ONCE: Final = 5  # so many every 5 ms
COMMAND_BYTES: Final = 100
TURNS: Final = 3
SECONDS: Final = 10
WARM_UP: Final = 40
BARE: Final = "bench.round.trip"
LATE_S: Final = 60.0


class PacedTurn(NamedTuple):
    """Seconds from the sending of each to its arrival as a committed record, and CPU seconds by process."""

    seconds: list[float]
    cpu: dict[str, float]


def run(seconds: int = SECONDS, turns: int = TURNS, warm_up: int = WARM_UP) -> Measured:
    """Send 1,000 commands a second to a worker, and as many records to nobody, in turns of so many seconds."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        settings = one_shard(Settings(), Path(folder))
        make_topic(settings, BARE)
        count = (warm_up + turns * seconds) * PER_SECOND
        accounts = accounts_of(SHARD, settings.shards, 1 + count // COMMANDS_PER_ACCOUNT)
        began = append(settings, map(encode_command, opening_day(SHARD, accounts, clock)))
        day = _Day(trading_day(SHARD, accounts, count, clock))
        with engine_worker(settings, Path(folder) / "engine.log") as process:
            wait_until_executed(settings, began)
            load = _PacedLoad(settings, process)
            load.send_commands(day.next_commands(warm_up * PER_SECOND))
            load.send_records(warm_up * PER_SECOND // 4)
            engine, bare = [], []
            for _ in range(turns):
                engine.append(load.send_commands(day.next_commands(seconds * PER_SECOND)))
                bare.append(load.send_records(seconds * PER_SECOND))
    figures = latencies("", "command to committed event", [turn.seconds for turn in engine])
    figures += latencies("bare_", "produced and consumed", [turn.seconds for turn in bare], peer="round trip")
    each = seconds * PER_SECOND * turns
    return Measured(
        figures=figures, cpu=[_cpu("engine", "command", engine, each), _cpu("round trip", "record", bare, each)]
    )


class _Day:
    """A trading day in parts. Each begins with two prices, of which the second confirms the first."""

    def __init__(self, day: Iterator[Command]) -> None:
        self._day = day
        self._given = 0

    def next_commands(self, count: int) -> Iterator[Command]:
        """Give the next so many commands, each made when it is asked for."""
        for more in (1, 2) if self._given else ():
            yield prices(self._given + more, 0, clock)
        self._given += count
        yield from islice(self._day, count)


class _PacedLoad:
    """Sends a few values every 5 ms, and notes when what follows from each arrives.

    It keeps its producer: a new one needs half a second for its first record, and then sends what waited at once.
    """

    def __init__(self, settings: Settings, engine: psutil.Process) -> None:
        self._settings = settings
        self._engine = engine
        self._producer = bench_producer(settings)

    def send_commands(self, commands: Iterator[Command]) -> PacedTurn:
        """Send commands; the outcome of each is awaited, but of prices, which have no id."""
        sent: dict[str, float] = {}

        def values() -> Iterator[bytes]:
            for command in commands:
                value = encode_command(command)
                command_id = getattr(command, "command_id", None)
                if command_id is not None:
                    sent[command_id] = time.perf_counter()
                yield value

        def sent_at(value: bytes) -> float | None:
            event = decode_event(value)
            return None if event.index or event.command_id is None else sent.pop(event.command_id, None)

        with cpu_time({"engine": self._engine} | broker()) as cpu:
            seconds = self._send(COMMANDS, values(), reader_at_end(self._settings, EVENTS), sent_at, lambda: not sent)
        return PacedTurn(seconds, cpu)

    def send_records(self, count: int) -> PacedTurn:
        """Send records as long as a command, which nobody executes: each has its number for a value."""
        sent: dict[int, float] = {}

        def values() -> Iterator[bytes]:
            for number in range(count):
                sent[number] = time.perf_counter()
                yield number.to_bytes(COMMAND_BYTES, "big")

        def sent_at(value: bytes) -> float | None:
            return sent.pop(int.from_bytes(value, "big"), None)

        with cpu_time(broker()) as cpu:
            seconds = self._send(BARE, values(), reader_at_end(self._settings, BARE), sent_at, lambda: not sent)
        return PacedTurn(seconds, cpu)

    def _send(
        self,
        topic: str,
        values: Iterator[bytes],
        reader: Consumer,
        sent_at: Callable[[bytes], float | None],
        is_answered: Callable[[], bool],
    ) -> list[float]:
        seconds: list[float] = []
        all_sent = threading.Event()

        def read() -> None:
            deadline: float | None = None
            while not (all_sent.is_set() and is_answered()):
                if deadline is None and all_sent.is_set():
                    deadline = time.monotonic() + LATE_S
                if deadline is not None and time.monotonic() > deadline:
                    return
                message = reader.poll(0.05)
                if message is not None and has_record(message):
                    now = time.perf_counter()
                    began = sent_at(value_of(message))
                    if began is not None:
                        seconds.append(now - began)

        thread = threading.Thread(target=read)
        thread.start()
        self._produce_paced(topic, values)
        all_sent.set()
        thread.join()
        reader.close()
        if not is_answered():
            raise FixableError(f"Some of what was sent to {topic} had no committed record after {LATE_S:.0f} s.")
        return seconds

    def _produce_paced(self, topic: str, values: Iterator[bytes]) -> None:
        due = time.monotonic()
        for number, value in enumerate(values):
            self._producer.produce(topic, value, partition=SHARD)
            self._producer.poll(0)
            if number % AT_ONCE == AT_ONCE - 1:
                due += AT_ONCE / PER_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
        flush(self._producer)


def _cpu(what: str, each: str, turns: Sequence[PacedTurn], count: int) -> CpuUse:
    seconds = {name: sum(turn.cpu[name] for turn in turns) for name in turns[0].cpu}
    return CpuUse(what=what, each=each, count=count, seconds=seconds)
