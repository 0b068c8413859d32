"""The faults of processes, brokers and snapshots in a simulated history, and their times."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT
from schemas.manifest import SnapshotManifest
from schemas.snapshots import Packing, chunk_key, encode_manifest, manifest_key
from schemas.topics import EVENTS, SNAPSHOTS
from tests.simulation.cluster import manifests_in
from tests.simulation.engine_process import EngineProcess

if TYPE_CHECKING:
    from tests.simulation.run import History

WORKERS_MAX: Final = 3
# Many faults come while a command is read, executed and committed; what a process does in between is of less interest.
AIMED: Final = 0.7
AT_WORK_S: Final = 0.03
HIDDEN_S: Final = 0.3


class Faults:
    """Trouble for one history."""

    def __init__(self, history: "History") -> None:
        self._history = history
        self._dice = random.Random(history.seed + 40)
        self._loop = history.loop
        self._trace = history.trace
        self._foreign: list[Callable[[], None]] = []

    async def happen(self) -> None:
        """Make some trouble, at moments of the seed's choice."""
        dice, history = self._dice, self._history
        kinds = (
            *(self._kill,) * 5,
            *(self._pause,) * 4,
            *(self._replace_paused,) * 2,
            self._stop,
            *(self._change_workers,) * 3,
            self._outage,
            *(self._compact,) * 2,
            *(self._spoil,) * 2,
            self._plant_snapshot_of_the_future,
            self._report_falsely,
            self._change_slots,
            *(self._open_foreign_transaction,) * 2,
        )
        moments = sorted(dice.uniform(0.0, history.span_s) for _ in range(dice.randint(1, 8)))
        damage_at = dice.uniform(0.5, history.span_s)
        for moment in moments:
            if history.damage is not None and not history.damage.is_done and moment >= damage_at:
                await self._until(damage_at)
                history.damage.do(history)
            await self._until(moment)
            if dice.random() < AIMED:
                self._history.send(dice.randrange(history.shards))
                await asyncio.sleep(dice.random() * AT_WORK_S)
            dice.choice(kinds)()
        await self._until(history.span_s)
        if history.damage is not None and not history.damage.is_done:
            history.damage.do(history)

    def end(self) -> None:
        """Let the brokers answer; who is paused wakes when its time comes."""
        now = self._loop.now
        cluster = self._history.cluster
        for end_it in self._foreign:
            end_it()
        cluster.outages = [(begin, min(end, now)) for begin, end in cluster.outages]

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self._loop.now))

    def _some(self) -> EngineProcess | None:
        running = [process for process in self._history.alive() if not process.is_paused]
        return self._dice.choice(running) if running else None

    def _kill(self) -> None:
        process = self._some()
        if process is not None:
            process.kill()

    def _stop(self) -> None:
        process = self._some()
        if process is not None:
            process.ask_to_stop()

    def _pause(self) -> EngineProcess | None:
        """For a moment, or for longer than the group waits."""
        process = self._some()
        if process is not None:
            process.pause()
            seconds = self._dice.choice((0.05, 1.0, 5.0, 7.0, 9.0)) * self._dice.uniform(0.5, 1.1)
            self._loop.call_in_world(seconds, self._wake, process)
        return process

    def _replace_paused(self) -> None:
        """As a process manager does that takes a paused process for a dead one: two have one name then."""
        process = self._pause()
        if process is not None:
            self._history.start_process(process.place)

    def _wake(self, process: EngineProcess) -> None:
        if process.is_paused and not process.is_dead:
            self._trace.add(process.name, "is woken")
            self._loop.wake(process)

    def _report_falsely(self) -> None:
        """Signal a standby that its owner ended, though it did not."""
        standbys = [process for process in self._history.alive() if process.role == "standby"]
        if standbys:
            self._dice.choice(standbys).hear_of_death()

    def _change_workers(self) -> None:
        history = self._history
        history.wanted = self._dice.randint(1, WORKERS_MAX)
        self._trace.add("world", f"{history.wanted} workers are wanted")
        for process in history.alive():
            if process.place >= history.wanted and not process.is_paused:
                process.ask_to_stop()

    def _outage(self) -> None:
        seconds = self._dice.choice((0.2, 2.0, 15.0)) * self._dice.random()
        self._trace.add("world", "the brokers are away", seconds=round(seconds, 2))
        self._history.cluster.outages.append((self._loop.now, self._loop.now + seconds))

    def _change_slots(self) -> None:
        self._history.slots = self._dice.randint(2, 5)
        self._trace.add("world", "the next processes keep another number of snapshots", slots=self._history.slots)

    def _open_foreign_transaction(self) -> None:
        """Begin a transaction among a shard's events, as nobody but its owner may, and abort it later.

        Meanwhile a command is executed, whose events nobody can read, and then a process is killed.
        """
        cluster = self._history.cluster
        shard = self._dice.randrange(self._history.shards)
        partition = cluster.topic(EVENTS, shard)
        name = f"somebody-{len(self._foreign)}"
        epoch = cluster.fence(name)
        cluster.append(cluster.begin(name, epoch), epoch, partition, None, b"no event")
        self._trace.add("world", "somebody's transaction is open", partition=partition.name)
        abort = partial(cluster.end, name, epoch, "aborted")
        self._foreign.append(abort)
        self._history.send(shard)
        killed_after = self._dice.random() * HIDDEN_S
        self._loop.call_in_world(killed_after, self._kill)
        self._loop.call_in_world(killed_after + self._dice.choice((0.1, 1.0, 6.0)) * self._dice.random(), abort)

    def _compact(self) -> None:
        shard = self._dice.randrange(self._history.shards)
        partition = self._history.cluster.topic(SNAPSHOTS, shard)
        taken = self._history.cluster.compact(shard, self._dice.randint(0, partition.end))
        self._trace.add("brokers", f"compacted {SNAPSHOTS}/{shard}", taken=taken)

    def _spoil(self) -> None:
        """Alter, cut or lose a record of some snapshot, mostly of the newest."""
        shard = self._dice.randrange(self._history.shards)
        partition = self._history.cluster.topic(SNAPSHOTS, shard)
        found = manifests_in(partition)
        if not found:
            return
        offset, manifest = self._dice.choice(found[-2:])
        victim = self._dice.choice((*manifest.chunk_offsets, offset))
        entry = partition.entries[victim]
        if entry is None:
            return
        value = bytearray(entry.record.value)
        match self._dice.choice(("altered", "cut", "lost")):
            case "altered":
                value[self._dice.randrange(len(value))] ^= 1 << self._dice.randrange(8)
            case "cut":
                del value[self._dice.randrange(1, len(value)) :]
            case "lost":
                value.clear()
        self._trace.add("world", f"a snapshot in {partition.name} is spoiled", manifest=offset, record=victim)
        partition.entries[victim] = entry._replace(record=entry.record._replace(value=bytes(value))) if value else None
        self._history.judge.spoiled.add((shard, offset))

    def _plant_snapshot_of_the_future(self) -> None:
        """After everything was killed: a sound snapshot of what the commands lead to, of which no event is committed.

        As an events topic leaves behind that lost its end.
        """
        history = self._history
        for process in history.alive():
            process.kill()
        shard = self._dice.randrange(history.shards)
        if history.damage is not None and history.damage.shard == shard:
            return
        for writer in (f"engine-{shard}", f"engine-{shard}-snapshots"):
            history.cluster.fence(writer)
        for _ in range(3):
            history.send(shard)
        partition = history.cluster.topic(SNAPSHOTS, shard)
        manifest = _snapshot_of_everything(history, shard, manifests_in(partition))
        self._trace.add("world", f"a snapshot of the future in {partition.name}", seq=manifest.seq)


def _snapshot_of_everything(
    history: "History", shard: int, found: list[tuple[int, SnapshotManifest]]
) -> SnapshotManifest:
    """Write a snapshot of what all commands there are lead to, after those that were found."""
    state, digest = history.judge.execute_all(shard)
    packing = Packing()
    packing.add(iter(begin_copy(state).next_page, None))
    end_copy(state)
    sha256 = packing.finish()
    partition = history.cluster.topic(SNAPSHOTS, shard)
    before = found[-1] if found else None
    slot = 0 if before is None else (before[1].slot + 1) % history.slots
    now = history.cluster.now_ms()
    offsets = tuple(
        partition.append(now, chunk_key(slot, number), chunk) for number, chunk in enumerate(packing.chunks)
    )
    manifest = SnapshotManifest(
        shard=shard,
        slots=history.slots,
        slot=slot,
        number=1 if before is None else before[1].number + 1,
        next_offset=state.next_offset,
        time=state.time,
        seq=state.seq,
        digest=digest,
        accounts=len(state.accounts),
        positions=len(state.positions),
        format=FORMAT,
        rules_version=state.rules_version,
        chunk_offsets=offsets,
        uncompressed_bytes=packing.uncompressed_bytes,
        sha256=sha256,
        previous_manifest_offset=None if before is None else before[0],
    )
    partition.append(now, manifest_key(slot), encode_manifest(manifest))
    return manifest
