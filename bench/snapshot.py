"""How long a shard stands still while its snapshot is taken, beside how long it does without, and what one costs."""

import asyncio
import sys
from functools import partial
from time import perf_counter, thread_time
from typing import Any, Final, NamedTuple

import uvloop

from bench._cpu import own_cpu_time
from bench._ledger import SHARD, Ledger, later_day, ledger_of
from bench._memory import ledger_memory
from bench._workload import clock
from bench.report.figures import CpuUse, Figure, Measured, rounded
from engine.core.step import step
from engine.shell.group import SESSION_MS
from engine.shell.liveness import Liveness
from engine.shell.log import Bounds, KafkaLog, Watermark
from engine.shell.main import SWITCH_INTERVAL_S
from engine.shell.metrics import EngineMetrics
from engine.shell.outbox import CommitOutbox
from engine.shell.shard import Shard
from engine.shell.take_over import LogEnds, ShardStart
from engine.snapshot.publish import SnapshotPublisher
from engine.snapshot.schedule import SnapshotSchedule
from runtime.errors import FixableError
from runtime.garbage import collect_seldom, keep_for_good
from runtime.kafka import end_offsets, read_back
from runtime.logging import configure
from runtime.settings import Settings
from runtime.snapshots import manifests
from runtime.topics import ensure_topics
from schemas.codec import encode_command
from schemas.topics import EVENTS, SNAPSHOTS

ACCOUNTS: Final = 1_000_000
POSITIONS: Final = 1_000_000
PER_SECOND: Final = 1_000  # commands
WARM_UP_S: Final = 5.0
BASELINE_S: Final = 10.0
COMMANDS: Final = 1_000_000  # more than both measurements need
MS: Final = 1_000
MB: Final = 1_000_000
TURNS: Final = 3


class PauseMeasurement(NamedTuple):
    """What was between the commands, seconds.

    late: of each command, by how much it was executed later than due, sorted. own: the longest time of the processor
    that the event loop's thread took between two commands; what others on the machine took of it is not in this.
    """

    late: list[float]
    own: float


class TakenSnapshot(NamedTuple):
    """What was between the commands before it and while it was taken, and how long it took."""

    without: PauseMeasurement
    during: PauseMeasurement
    seconds: float


class DueCommand(NamedTuple):
    """A command as a reader gives it."""

    offset: int
    timestamp: int
    value: bytes


def run(accounts: int = ACCOUNTS, positions: int = POSITIONS, turns: int = TURNS) -> Measured:
    """Execute 1,000 commands a second on a large ledger, in turns without a snapshot and while one is taken.

    A pause is by how much a command is executed later than it was due.
    """
    configure("bench", "WARNING")
    settings = Settings().model_copy(update={"shards": 1})
    ensure_topics(settings)
    if any(end_offsets(settings, EVENTS)) or any(end_offsets(settings, SNAPSHOTS)):
        raise FixableError(f"The broker {settings.kafka_brokers} holds a ledger; the bench needs one that holds none.")
    ledger = ledger_of(accounts, positions)
    collect_seldom()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_for_good()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(settings, ledger, turns))


async def _measure(settings: Settings, ledger: Ledger, turns: int) -> Measured:
    """Give the numbers of a shard as the engine hosts it, but for its reader."""
    source = KafkaLog(settings)
    liveness = Liveness(SESSION_MS / MS)
    metrics = EngineMetrics()
    producers = source.fence(SHARD)
    watermark = Watermark(ledger.state.seq, ledger.digest)
    outbox = CommitOutbox(
        SHARD,
        producers.events,
        watermark.seq,
        liveness,
        metrics,
        on_commit=lambda: None,
        on_failure=_fail,
        fence_again=lambda _committed: source.fence_events(SHARD),
    )
    shard = Shard(SHARD, step, lambda _shard: None, metrics.command_seconds.observe)
    shard.recover(ShardStart(ledger.state, ledger.digest, None), LogEnds(watermark, Bounds(0, 0)), outbox)
    snapshots = SnapshotSchedule({SHARD: shard}, metrics.snapshots, 0, lambda _shard, error: _fail(error))
    publisher = SnapshotPublisher(
        SHARD,
        producers.snapshots,
        source,
        settings.engine_max_snapshots,
        liveness.check,
        partial(source.fence_snapshots, SHARD),
    )
    snapshots.begin(shard, publisher)
    running = [asyncio.create_task(liveness.beat()), asyncio.create_task(outbox.commit_for_ever())]

    executor = Executor(shard, ledger)
    await executor.run_until(asyncio.create_task(asyncio.sleep(WARM_UP_S)))
    taken: list[TakenSnapshot] = []
    with own_cpu_time() as cpu:
        for _ in range(turns):
            without = await executor.run_until(asyncio.create_task(asyncio.sleep(BASELINE_S)))
            began = perf_counter()
            during = await executor.run_until(asyncio.create_task(snapshots.take(shard)))
            taken.append(TakenSnapshot(without, during, perf_counter() - began))

    await outbox.drained()
    for task in running:
        task.cancel()
    snapshots.end(shard)
    outbox.close()
    commands = sum(len(each.without.late) + len(each.during.late) for each in taken)
    use = CpuUse(what="commands and snapshots together", each="command", count=commands, seconds=cpu)
    return Measured(figures=_figures(settings, ledger, taken), cpu=[use])


class Executor:
    """Executes a command every millisecond."""

    def __init__(self, shard: Shard, ledger: Ledger) -> None:
        self._shard = shard
        # Made when they are due: prices say when they were sent.
        self._values = map(encode_command, later_day(ledger, COMMANDS))

    async def run_until(self, task: asyncio.Task[None]) -> PauseMeasurement:
        """Go on until a task is done, and give what was between the commands."""
        late: list[float] = []
        own: list[float] = []
        due = perf_counter()
        while not task.done():
            due += 1 / PER_SECOND
            began = thread_time()
            await asyncio.sleep(max(0.0, due - perf_counter()))
            late.append(perf_counter() - due)
            own.append(thread_time() - began)
            record: Any = DueCommand(self._shard.next_offset, clock() // MS, next(self._values))
            self._shard.execute([record])
        await task
        return PauseMeasurement(sorted(late), max(own))


async def _fail(error: Exception) -> None:
    raise error


def _figures(settings: Settings, ledger: Ledger, taken: list[TakenSnapshot]) -> list[Figure]:
    memory = ledger_memory()
    found = next(manifests(settings, SHARD), None)
    if found is None:
        raise FixableError("The snapshot did not get into the log; the lines above say why.")
    chunks = read_back(settings, SNAPSHOTS, SHARD, len(found.manifest.chunk_offsets) + 1)
    packed = sum(len(record.value) for record in chunks)
    during, without = [each.during for each in taken], [each.without for each in taken]
    return [
        *_pauses("", "with a snapshot", during),
        *_pauses("_without", "without one", without),
        Figure.of_runs("seconds", "a snapshot, begun to committed", [each.seconds for each in taken], "s"),
        _figure("bytes_per_position", "memory of an account's first position", memory.position, "B"),
        _figure("bytes_per_further_position", "memory of an account's second position", memory.further_position, "B"),
        _figure("bytes_per_id", "memory of a command's id, for ten minutes", memory.remembered_id, "B"),
        _figure("bytes_per_account", "memory of an account", memory.account, "B"),
        _figure("grown_per_position", "what the process grows by for both", ledger.bytes_per_position, "B"),
        _figure("snapshot_mb", "size of the snapshot, compressed", packed / MB, "MB"),
        _figure("positions", "positions in it", found.manifest.positions, "positions"),
    ]


def _pauses(suffix: str, when: str, turns: list[PauseMeasurement]) -> list[Figure]:
    """Give the longest of all turns, and of each turn beside it."""
    kinds = (
        ("longest_pause", "longest pause", [turn.late[-1] for turn in turns]),
        ("own_pause", "longest CPU time of the event loop at once", [turn.own for turn in turns]),
        ("p999_pause", "99.9 % of the pauses within", [_quantile_999(turn.late) for turn in turns]),
    )
    return [
        Figure(
            name=f"{name}{suffix}_ms",
            label=f"{label}, {when}",
            value=round(max(seconds) * MS, 2),
            unit="ms",
            runs=tuple(round(each * MS, 2) for each in seconds),
        )
        for name, label, seconds in kinds
    ]


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)


def _quantile_999(late: list[float]) -> float:
    return late[len(late) * 999 // 1_000]
