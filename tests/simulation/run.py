"""One simulated history, from one number: what is sent, what fails, and what the judge says in the end."""

import asyncio
import random
import sys
from collections import Counter
from functools import cache
from typing import Final, NamedTuple

from engine.core.state import State
from engine.core.step import step
from engine.shell.worker import Role
from runtime.settings import Settings
from schemas.commands import Command
from schemas.events import Event
from schemas.topics import COMMANDS
from tests.simulation.clients import Network
from tests.simulation.cluster import Cluster
from tests.simulation.damage import Damage, planned_damage
from tests.simulation.engine_process import EngineProcess
from tests.simulation.faults import Faults
from tests.simulation.group import Group
from tests.simulation.judge import Judge
from tests.simulation.load import COURSES, Load
from tests.simulation.loop import SimulatedLoop
from tests.simulation.reader import SimulatedReader
from tests.simulation.simulated_process import WORLD
from tests.simulation.simulated_runtime import simulated
from tests.simulation.trace import Trace

LOOK_S: Final = 0.1
# Two sessions of a dead member, fencings that have to be tried again, and the replay.
CALM_MAX_S: Final = 45.0
STILL_LOOKS: Final = 3
PEACEFUL: Final = 0.05
# Of a standby's looks for its owner's end at a process manager, so many are answered.
REPORTED: Final = 0.1


class Outcome(NamedTuple):
    """What came of a run. problems: none in a sound one. became: of its commands, and how often."""

    seed: int
    problems: list[str]
    trace: Trace
    became: Counter[str]

    def text(self) -> str:
        """Say what happened, what is wrong with it, and how to see it again."""
        wrong = [f"WRONG: {problem}" for problem in self.problems] or ["all is well"]
        again = f"seed {self.seed}; again: SIMULATED_RUN={self.seed} ./reprise test tests/simulation"
        return "\n".join([self.trace.text(), "", *wrong, again])


class History:
    """One run, being made."""

    def __init__(self, seed: int) -> None:
        dice = self.dice = random.Random(seed)
        self.seed = seed
        self.shards = dice.choice((1, 1, 2, 3))
        self.loop = SimulatedLoop(random.Random(seed + 1))
        self.trace = Trace(self.loop.time)
        self.cluster = Cluster(self.loop, random.Random(seed + 2), self.trace, self.shards)
        self.network = Network(self.loop, random.Random(seed + 3), self.cluster, self.trace)
        self.group = Group(self.loop, self.trace, self.shards, self._is_broker_away)
        self.judge = Judge(self.cluster)
        self.slots = dice.choice((2, 3, 5))
        self.is_peaceful = dice.random() < PEACEFUL
        self.span_s = dice.uniform(2.0, 9.0)
        self.damage: Damage | None = None if self.is_peaceful else planned_damage(dice, self.shards)
        self.faults = Faults(self)
        self.processes: list[EngineProcess] = []
        self.wanted = dice.choice((1, 1, 2, 3))
        self._interval_ms = dice.choice((50, 200, 600))
        self.has_instances = dice.random() < 0.7
        self.has_standbys = self.has_instances and dice.random() < 0.4
        course = COURSES[seed % len(COURSES)]
        self._loads = [
            Load(random.Random(seed + 10 + shard), shard, self.shards, course) for shard in range(self.shards)
        ]
        self._started = 0

    def play(self) -> Outcome:
        """Let it happen."""
        with simulated(self.loop, self.network, self.trace):
            try:
                directing = self.loop.begin(WORLD, self._direct)
                directing.add_done_callback(lambda _: self.loop.stop())
                self.loop.run()
                directing.result()
                problems = self.judge.problems + self.loop.surprises
                problems += self.judge.verdict(self.processes, self.damage, is_peaceful=self.is_peaceful)
            finally:
                self.loop.end()
        return Outcome(self.seed, problems, self.trace, self.judge.became)

    def append(self, shard: int, key: bytes | None, value: bytes) -> None:
        """Let a command arrive."""
        partition = self.cluster.topic(COMMANDS, shard)
        partition.append(self.cluster.now_ms(), key, value)
        self.judge.note_command(shard, partition.entries[-1])
        self.cluster.notify()

    def send(self, shard: int) -> None:
        """Let somebody send a command, unless that would write another history."""
        if self._may_send(shard):
            everywhere = all(load.is_second for load in self._loads)
            for sent in self._loads[shard].next(self.cluster.now_ms() * 1_000, everywhere=everywhere):
                if self._may_send(sent.shard):
                    self.append(*sent)

    def start_process(self, place: int, role: Role = "owner") -> EngineProcess:
        """Start a process in one of the places for workers."""
        self._started += 1
        settings = _settings().model_copy(
            update={
                "shards": self.shards,
                "engine_max_snapshots": self.slots,
                "engine_snapshot_interval": self._interval_ms,
                "engine_worker_id": f"worker-{place}" if self.has_instances else None,
            }
        )
        process = EngineProcess(f"process-{self._started}", place, settings, role, self.step, self.trace)
        self.processes.append(process)
        process.start(self.loop, self._new_reader(settings.engine_worker_id), lambda: self._shards_of(place))
        return process

    def alive(self) -> list[EngineProcess]:
        """Give the processes that run, or are paused."""
        return [process for process in self.processes if not process.is_dead]

    def step(self, state: State, command: Command | None, *, offset: int, time: int) -> list[Event]:
        """Execute a command, unless the core has a defect there."""
        if self.damage is not None:
            self.damage.raise_at(state.shard, offset)
        return step(state, command, offset=offset, time=time)

    def _may_send(self, shard: int) -> bool:
        return self.damage is None or not self.damage.ends_sending(shard)

    async def _direct(self) -> None:
        """Run the world: an opening, a time of trouble, then calm until nothing moves any more."""
        for shard, load in enumerate(self._loads):
            for key, value in load.opening(self.cluster.now_ms() * 1_000):
                self.append(shard, key, value)
        self.loop.create_task(self._manage())
        sending = [self.loop.create_task(self._send(shard)) for shard in range(self.shards)]
        if self.is_peaceful:
            self.network.is_calm = True
        else:
            await self.faults.happen()
        await asyncio.gather(*sending)
        self.faults.end()
        self.network.is_calm = True
        self.trace.add("world", "calm")
        await self._until_still()

    async def _send(self, shard: int) -> None:
        """Send in bursts, for as long as there is trouble and a little longer."""
        dice = random.Random(self.seed + 20 + shard)
        while self.loop.now < self.span_s:
            await asyncio.sleep(dice.expovariate(3.0))
            for _ in range(dice.choice((1, 1, 2, 5))):
                self.send(shard)

    async def _manage(self) -> None:
        """Start a process wherever one is wanted and none runs, as a process manager does."""
        dice = random.Random(self.seed + 30)
        while True:
            for place in range(self.wanted):
                here = [process for process in self.alive() if process.place == place]
                owners = [process for process in here if process.role == "owner"]
                if not here:
                    await asyncio.sleep(dice.uniform(0.0, 0.5))
                    self.start_process(place)
                elif not owners and dice.random() < REPORTED:
                    here[0].hear_of_death()
                elif self.has_standbys and len(here) == len(owners) == 1:
                    await asyncio.sleep(dice.uniform(0.0, 0.5))
                    self.start_process(place, "standby")
            await asyncio.sleep(LOOK_S)

    async def _until_still(self) -> None:
        """Wait until every shard has an owner that has done all it can, and no other; not for ever."""
        deadline = self.loop.now + CALM_MAX_S
        looks = 0
        while looks < STILL_LOOKS:
            if self.loop.now > deadline:
                self.judge.problems.append(f"after {CALM_MAX_S:.0f} s of calm: {self.judge.unrest(self.alive())}")
                return
            await asyncio.sleep(LOOK_S)
            looks = looks + 1 if self.judge.unrest(self.alive()) is None else 0

    def _new_reader(self, instance: str | None) -> SimulatedReader:
        return SimulatedReader(self.network, self.group, random.Random(self.dice.random()), instance)

    def _shards_of(self, place: int) -> frozenset[int] | None:
        """Call the group, in a thread of the caller."""
        self.network.travel()
        found = self.group.shards_of(f"worker-{place}")
        self.network.travel()
        return found

    def _is_broker_away(self) -> bool:
        return self.cluster.answers_at(self.loop.now) > self.loop.now


def play(seed: int) -> Outcome:
    """Make the history of one seed."""
    return History(seed).play()


def first_wrong(seeds: range) -> str | None:
    """Play some runs; what happened in the first that is wrong."""
    for seed in seeds:
        outcome = play(seed)
        if outcome.problems:
            return outcome.text()
    return None


@cache
def _settings() -> Settings:
    return Settings.model_validate({"kafka_brokers": "simulated:9092"})


def main(arguments: list[str]) -> None:
    """`python -m simulation.run SEED [COUNT]`: play one history and show it, or many and show the first wrong one."""
    first, count = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    wrong = first_wrong(range(first, first + count))
    if wrong is not None:
        sys.exit(wrong)
    print(play(first).text() if count == 1 else f"{count} runs, all of them sound")


if __name__ == "__main__":
    main(sys.argv[1:])
