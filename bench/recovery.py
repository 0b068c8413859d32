"""How long a shard of a large ledger stands still when its engine is killed, part by part."""

import gc
import json as json_format
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import psutil
from confluent_kafka import Consumer, KafkaError, TopicPartition

from bench._cpu import cpu_seconds
from bench._ledger import SHARD, Ledger, later_day, ledger_of
from bench._worker import append, engine_worker, one_shard
from bench.report.figures import CpuUse, Figure, Measured, rounded
from engine.core.step import step
from engine.shell.group import SESSION_MS
from engine.shell.liveness import Liveness
from engine.shell.log import KafkaLog, Producers
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT
from engine.snapshot.publish import SnapshotContent, SnapshotPublisher, named_instruments
from runtime.errors import FixableError
from runtime.kafka import end_offsets, read_back, reader_options
from runtime.logging import configure
from runtime.settings import Settings
from runtime.signals import PARTNER_IS_DEAD
from schemas.codec import decode_command, decode_event, encode_and_chain, encode_command
from schemas.commands import Deposit
from schemas.snapshots import Packing
from schemas.topics import COMMANDS, EVENTS
from stack.ports import free_ports
from stack.status import read_page

ACCOUNTS: Final = 1_000_000
POSITIONS: Final = 1_000_000
TAIL: Final = 200_000
TIMEOUT_S: Final = 600.0
COMMIT_TIMEOUT_S: Final = 60.0
EVENTS_A_TRANSACTION: Final = 5_000
MB: Final = 1_000_000


def run(accounts: int = ACCOUNTS, positions: int = POSITIONS, commands: int = TAIL) -> Measured:
    """Write a large ledger's snapshot and the commands after it; kill the engine that has it, and start another."""
    configure("bench", "WARNING")
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        return _measure(one_shard(Settings(), Path(folder)), Path(folder), accounts, positions, commands)


def _measure(settings: Settings, folder: Path, accounts: int, positions: int, commands: int) -> Measured:
    account = _write_ledger(settings, accounts, positions, commands)
    gc.collect()
    events = OutcomeReader(settings)
    with _engine(settings, folder / "first.log") as first:
        append(settings, [_deposit(account, 1)])
        events.wait_for_outcome("deposit-1")
        append(settings, [_deposit(account, 2)])
        first.kill()
        killed = time.time()
        with _engine(settings, folder / "second.log") as second:
            answered = events.wait_for_outcome("deposit-2")
            cpu = cpu_seconds({"engine": second})
            resident = second.memory_info().rss
            with _standby(settings, folder / "third.log") as third:
                standby_seconds = _takeover_seconds(
                    settings, events, account, second, 3, lambda: _signal_death(second, third)
                )
                with _standby(settings, folder / "fourth.log"):
                    silence_seconds = _takeover_seconds(settings, events, account, third, 5, lambda: None)
    parts = _seconds_by_part(folder / "second.log", killed, answered)
    seconds = answered - killed
    figures = [
        _figure("seconds", "kill -9 to a new event", seconds, "s"),
        _figure("seconds_without_tail", "kill -9 to a new event, without the tail", seconds - parts["tail"], "s"),
        *(
            _figure(f"{part}_seconds", f"of which: {part.replace('_', ' ')}", taken, "s")
            for part, taken in parts.items()
        ),
        _figure("standby_seconds", "kill -9 to a new event, standby told of it", standby_seconds, "s"),
        _figure("silence_seconds", "the same, standby told by silence", silence_seconds, "s"),
        _figure("resident_mb", "memory of the engine then", resident / MB, "MB"),
    ]
    if parts["tail"]:
        rate = commands / parts["tail"]
        figures.insert(
            2, _figure("tail_commands_per_second", f"the tail of {commands:,} commands, executed", rate, "commands/s")
        )
    return Measured(
        figures=figures, cpu=[CpuUse(what="the engine that recovers", each="recovery", count=1, seconds=cpu)]
    )


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)


def _write_ledger(settings: Settings, accounts: int, positions: int, commands: int) -> str:
    """Write what an engine would have: a snapshot, the commands after it, and their events. Give an account."""
    ledger = ledger_of(accounts, positions)
    producers = KafkaLog(settings).fence(SHARD)
    _commit(producers, [(None, ledger.value)])
    _publish(settings, ledger, producers)
    append(settings, map(encode_command, later_day(ledger, commands)))
    _commit(producers, _events_of_tail(settings, ledger))
    return ledger.accounts[0]


def _publish(settings: Settings, ledger: Ledger, producers: Producers) -> None:
    state = ledger.state
    content = SnapshotContent(
        seq=state.seq,
        digest=ledger.digest,
        next_offset=state.next_offset,
        time=state.time,
        accounts=len(state.accounts),
        positions=len(state.positions),
        format=FORMAT,
        rules_version=state.rules_version,
        instruments=named_instruments(state),
    )
    packing = Packing()
    packing.add(iter(begin_copy(state).next_page, None))
    end_copy(state)
    source = KafkaLog(settings)
    publisher = SnapshotPublisher(
        SHARD, producers.snapshots, source, 2, Liveness(SESSION_MS).check, partial(source.fence_snapshots, SHARD)
    )
    publisher.publish(content, packing).result()
    publisher.close()


def _events_of_tail(settings: Settings, ledger: Ledger) -> Iterator[tuple[bytes | None, bytes]]:
    """Execute the commands at the times the broker gave them, as the engine did that was killed."""
    digest = ledger.digest
    for record in read_back(settings, COMMANDS, SHARD, end_offsets(settings, COMMANDS)[SHARD]):
        rules = ledger.state.rules_version
        command = decode_command(record.value, rules)
        for event in step(ledger.state, command, offset=record.offset, time=record.timestamp_ms * 1_000):
            value, digest = encode_and_chain(event, digest, rules)
            yield None if event.account_id is None else event.account_id.encode(), value


def _commit(producers: Producers, events: Iterable[tuple[bytes | None, bytes]]) -> None:
    producer = producers.events
    remaining = iter(events)
    while batch := list(islice(remaining, EVENTS_A_TRANSACTION)):
        producer.begin_transaction()
        for key, value in batch:
            producer.produce(EVENTS, value, key, SHARD)
        producer.commit_transaction(COMMIT_TIMEOUT_S)


def _deposit(account: str, number: int) -> bytes:
    return encode_command(Deposit(command_id=f"deposit-{number}", account_id=account, amount=1))


def _takeover_seconds(
    settings: Settings,
    events: "OutcomeReader",
    account: str,
    owner: psutil.Process,
    number: int,
    announce: Callable[[], None],
) -> float:
    """Kill an owner that has a standby: seconds to the event of a command it was given just before."""
    append(settings, [_deposit(account, number)])
    events.wait_for_outcome(f"deposit-{number}")
    append(settings, [_deposit(account, number + 1)])
    owner.kill()
    killed = time.time()
    announce()
    return round(events.wait_for_outcome(f"deposit-{number + 1}") - killed, 2)


def _signal_death(owner: psutil.Process, standby: psutil.Process) -> None:
    """Tell the standby once the owner has ended, as the program does that watches both."""
    owner.wait()
    standby.send_signal(PARTNER_IS_DEAD)


class OutcomeReader:
    """The committed events that come from now on."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(reader_options(settings, "bench-answers"))
        self._consumer.assign([TopicPartition(EVENTS, SHARD, end_offsets(settings, EVENTS)[SHARD])])

    def wait_for_outcome(self, command_id: str) -> float:
        """When the event of a command came, seconds since 1970."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            message = self._consumer.poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is None:
                if decode_event(message.value()).command_id == command_id:
                    return time.time()
            elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name.
                raise FixableError(f"The bench cannot read events: {error}")
        raise FixableError(f"{command_id} was not executed in {TIMEOUT_S:.0f} s.")


@contextmanager
def _standby(settings: Settings, output: Path) -> Iterator[psutil.Process]:
    """A standby that follows."""
    (port,) = free_ports(1)
    its_own = settings.model_copy(update={"engine_standby": True, "engine_port": port})
    with _engine(its_own, output) as process:
        deadline = time.monotonic() + TIMEOUT_S
        while not _is_following(port):
            if time.monotonic() > deadline:
                raise FixableError(f"The standby did not follow in {TIMEOUT_S:.0f} s; {output} says more.")
            time.sleep(0.2)
        yield process


def _is_following(port: int) -> bool:
    readiness = read_page(port, "/readyz")
    return readiness is not None and bool(readiness[1].get("ready"))


@contextmanager
def _engine(settings: Settings, output: Path) -> Iterator[psutil.Process]:
    """One engine worker that may be killed within the block."""
    with engine_worker(settings, output) as engine:
        try:
            yield engine
        finally:
            with suppress(psutil.NoSuchProcess):  # It was killed, and waited for.
                engine.kill()


def _seconds_by_part(output: Path, killed: float, answered: float) -> dict[str, float]:
    """What the second engine's log says of each part: seconds."""
    lines = [json_format.loads(line) for line in output.read_text(encoding="utf-8").splitlines() if line[0] == "{"]
    at = {line["event"]: datetime.fromisoformat(line["time"]).timestamp() for line in lines}
    taken = next(line for line in lines if line["event"] == "shard taken over")
    parts = {
        "start": at["engine started"] - killed,
        "join": at["shards assigned"] - at["engine started"],
        "fence": taken["fencing"],
        "load": taken["loading"],
        "index": taken["indexing"],
        "tail": at["shard live"] - at["shard taken over"],
        "first_command": answered - at["shard live"],
    }
    return {part: round(seconds, 3) for part, seconds in parts.items()}
