"""One engine process in a simulation: the shell's own parts, hosted as its app and its main host them."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from engine.core.batch import Step
from engine.shell.group import SESSION_MS
from engine.shell.liveness import CANNOT_COMMIT, Liveness
from engine.shell.log import KafkaLog
from engine.shell.main import finish, leave
from engine.shell.metrics import EngineMetrics
from engine.shell.reading import Batch, CommandReader
from engine.shell.shard import Shard
from engine.shell.standby import OwnedShards, Standby
from engine.shell.worker import EngineWorker, Role
from runtime.settings import Settings
from schemas.topics import COMMANDS
from tests.simulation.loop import SimulatedLoop
from tests.simulation.reader import SimulatedReader
from tests.simulation.simulated_process import ProcessDied, SimulatedProcess
from tests.simulation.trace import Trace

BATCHES_AHEAD: Final = 2
MEASURE_S: Final = 1.0
POSITIONS_S: Final = 5.0


class EngineProcess(SimulatedProcess):
    """A worker from its start to its end, which may come at any moment."""

    def __init__(self, name: str, place: int, settings: Settings, role: Role, step: Step, trace: Trace) -> None:
        super().__init__(name)
        self.place = place
        self.settings = settings
        self.worker: EngineWorker | None = None
        self._role: Role = role
        self._standby: Standby | None = None
        self._step = step
        self._trace = trace
        self._asked_to_stop: asyncio.Event | None = None

    @property
    def role(self) -> Role:
        """Give what it is now: a standby becomes an owner."""
        return self._role if self.worker is None else self.worker.role

    @property
    def shards(self) -> list[Shard]:
        """Give the shards it holds itself the owner of."""
        return [] if self.worker is None or self.role == "standby" else list(self.worker.shards.values())

    def start(self, loop: SimulatedLoop, reader: SimulatedReader, owned: OwnedShards) -> None:
        """Begin to run. owned: what a standby asks the group."""
        self._trace.add(self.name, f"starts as {self._role}", worker=self.settings.engine_worker_id)
        loop.begin(self, lambda: self._serve(reader, owned)).add_done_callback(self._look)

    def hear_of_death(self) -> None:
        """Take the signal that the owner ended, whether that is true or not."""
        if self._standby is not None:
            self._trace.add(self.name, "is told that its owner ended")
            self._standby.owner_is_dead.set()

    def kill(self) -> None:
        """End without a farewell."""
        self._trace.add(self.name, "is killed")
        self.is_dead = True
        self.held.clear()

    def pause(self) -> None:
        """Stop in the middle of whatever it does."""
        self._trace.add(self.name, "is paused")
        self.is_paused = True

    def ask_to_stop(self) -> None:
        """Let it end in good order."""
        self._trace.add(self.name, "is asked to stop")
        if self._asked_to_stop is None:
            self.is_dead = True
        else:
            self._asked_to_stop.set()

    async def _serve(self, reader: Any, owned: OwnedShards) -> None:
        self._asked_to_stop = asyncio.Event()
        liveness = Liveness(SESSION_MS / 1_000)
        source = KafkaLog(self.settings)
        worker = self.worker = EngineWorker(self.settings, source, reader, liveness, _metrics(), self._step, self._role)
        if self._role == "standby":
            self._standby = Standby(worker, source, reader, owned)
        batches: asyncio.Queue[Batch] = asyncio.Queue(BATCHES_AHEAD)
        reading = CommandReader(worker, reader, batches)  # type: ignore[arg-type]  # Of a channel it only puts.
        await reader.start()
        tasks = [
            self._task(liveness.beat()),
            self._task(self._join(worker, reader)),
            self._task(reading.read()),
            self._task(reading.hand_out()),
            self._task(self._execute(worker, batches)),
            self._task(worker.snapshots.take_for_ever()),
            self._task(_every(MEASURE_S, lambda: _measure(worker, reading, reader))),
            self._task(_every(POSITIONS_S, worker.commit_offsets)),
        ]
        await self._asked_to_stop.wait()
        await finish(worker)
        for task in tasks:
            task.cancel()
        await leave(worker, reader)
        self._trace.add(self.name, "stopped")
        self.is_dead = True

    async def _join(self, worker: EngineWorker, reader: Any) -> None:
        if self._standby is not None:
            await self._standby.until_needed()
            self._trace.add(self.name, "takes its owner's place")
            worker.promote()
        worker.membership.join(reader)

    async def _execute(self, worker: EngineWorker, batches: "asyncio.Queue[Batch]") -> None:
        """Do what the app's agent does."""
        while True:
            batch = await batches.get()
            worker.execute(batch.shard, batch.records)

    def _task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._look)
        return task

    def _look(self, task: "asyncio.Task[None]") -> None:
        """A part that fails ends the process, as its supervisor does."""
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ProcessDied):
            self._trace.add(self.name, "ends: a part of it failed", code=CANNOT_COMMIT, error=repr(error))
            self.is_dead = True


@cache
def _metrics() -> EngineMetrics:
    """Shared metrics that no test reads: making them anew costs more than the rest of a start."""
    return EngineMetrics()


async def _every(seconds: float, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await do()


async def _measure(worker: EngineWorker, reading: CommandReader, reader: SimulatedReader) -> None:
    """Look where the logs end, as the app's timer does."""
    shards = list(worker.shards.values())
    try:
        ends = await reader.end_offsets([TopicPartition(COMMANDS, shard.number) for shard in shards])
    except KafkaError:
        return
    for shard in shards:
        shard.end_offset = ends[TopicPartition(COMMANDS, shard.number)]
    worker.watch_clocks()
    reading.look_for_gaps({partition.partition: end for partition, end in ends.items()})
