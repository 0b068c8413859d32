"""Which shards this process owns or follows, and which of them execute and are read."""

import asyncio
from contextlib import suppress
from typing import Final, Literal

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from engine.core.batch import Step
from engine.shell.clock_watch import watch_records, watch_shards
from engine.shell.group import Membership
from engine.shell.lifecycle import ShardLifecycle
from engine.shell.liveness import CANNOT_COMMIT, Liveness, leave_at_once
from engine.shell.log import Log
from engine.shell.metrics import EngineMetrics
from engine.shell.shard import Records, Shard
from engine.shell.take_over import LogEnds
from engine.snapshot.schedule import SnapshotSchedule
from runtime.settings import Settings
from schemas.topics import COMMANDS

log = structlog.get_logger(__name__)

Role = Literal["owner", "standby"]

# How long a failed commit waits for a running rebalance to say whose shard it was.
SETTLE_TIMEOUT_S: Final = 15.0


class EngineWorker:
    """The shards of this process. Everything here runs on the event loop."""

    def __init__(
        self,
        settings: Settings,
        source: Log,
        reader: AIOKafkaConsumer,
        liveness: Liveness,
        metrics: EngineMetrics,
        step: Step,
        role: Role = "owner",
    ) -> None:
        self.settings = settings
        self.role: Role = role
        self.metrics = metrics
        self.shards: dict[int, Shard] = {}
        self.membership = Membership(self.commits_done)
        self.work_to_do = asyncio.Event()
        self.is_stopping = False
        self.snapshots = SnapshotSchedule(
            self.shards,
            metrics.snapshots,
            settings.engine_snapshot_interval / 1_000,
            on_failure=self._transaction_failed,
        )
        self.lifecycle = ShardLifecycle(
            settings,
            source,
            liveness,
            metrics,
            self.snapshots,
            on_reading=self.place_reader,
            on_commit=self.work_to_do.set,
            on_failure=self._transaction_failed,
            on_frozen=self._begin_anew,
        )
        self._reader = reader
        self._liveness = liveness
        self._step = step
        self._followed: set[Shard] = set()

    @property
    def is_ready(self) -> bool:
        """Whether every shard of this worker executes what comes in; a standby's, whether it could go on at once."""
        if self.role == "standby":
            return bool(self.shards) and all(shard.phase == "following" for shard in self.shards.values())
        return self.knows_its_shards and all(shard.phase == "live" for shard in self.shards.values())

    @property
    def knows_its_shards(self) -> bool:
        """Whether each shard the group assigned is under way here: what is assigned begins a moment after it."""
        assigned = (number for mine in self.membership.assignments for number in mine)
        return self.membership.joined and all(number in self.shards for number in assigned)

    def promote(self) -> None:
        """Become the owner: what the group assigns from now on is fenced, and goes on where it was followed to."""
        self.role = "owner"

    def reconcile(self) -> None:
        """Give up what the group took, take over what it gave, and put the reader where each kept shard is."""
        assignments = self.membership.assignments
        if not assignments:
            return
        self.membership.changed.clear()
        while assignments:
            mine = assignments.popleft()
            for number in self.shards.keys() - mine:
                self._give_up(self.shards.pop(number))
            for number in sorted(mine):
                self._begin(number)
        for shard in self.shards.values():
            self.place_reader(shard)
        log.info("shards assigned", shards=sorted(self.shards))

    def place_reader(self, shard: Shard) -> None:
        """Read a shard from where it is, or not at all. A rebalance moves positions; the next one comes here again."""
        partition = TopicPartition(COMMANDS, shard.number)
        if partition not in self._reader.assignment():
            return
        # A position of ours in any case: without one aiokafka would look for the group's offset.
        self._reader.seek(partition, shard.next_to_read)
        if shard.is_reading:
            self._reader.resume(partition)
        else:
            self._reader.pause(partition)

    def execute(self, shard: Shard, records: Records) -> None:
        """Execute some of a shard's commands, unless it was given up or froze since they were read."""
        self._liveness.check()
        if shard.is_executing and not self.is_stopping:
            watch_records(shard, records, self.metrics)
            was_recovering = shard.phase == "recovering"
            shard.execute(records)
            shard.newest_append = 0
            if shard.phase == "frozen":
                self.place_reader(shard)
            elif was_recovering and shard.phase in ("live", "following"):
                self.lifecycle.recovered(shard)

    def freeze(self, shard: Shard, error: str) -> None:
        """Stop one shard for good; the others go on."""
        shard.freeze(error)
        self.place_reader(shard)

    def compare_with_owner(self, shard: Shard, ends: LogEnds) -> None:
        """Compare a followed shard with what its owner has committed, unless it was given up or promoted meanwhile."""
        if shard.uncommitted is not None and shard.is_executing:
            shard.compare_with_owner(ends)
            self.work_to_do.set()
            if shard.phase == "frozen":
                self.place_reader(shard)

    def watch_clocks(self) -> None:
        """Alarm where clocks disagree, and say where they agree again."""
        watch_shards(self.shards.values(), self.metrics)

    async def commits_done(self) -> None:
        """Wait until every event of every shard is committed."""
        outboxes = [shard.outbox for shard in self.shards.values() if shard.outbox is not None]
        await asyncio.gather(*(outbox.drained() for outbox in outboxes))

    async def commit_offsets(self) -> None:
        """Tell the group where each shard is: lag tools read it, this engine never does.

        Not while the group rebalances: what the coordinator refuses then looks like an expulsion.
        """
        if not self.membership.settled.is_set():
            return
        positions = {
            TopicPartition(COMMANDS, shard.number): shard.next_offset
            for shard in self.shards.values()
            if shard.phase == "live"
        }
        if positions:
            try:
                await self._reader.commit(positions)
            except KafkaError as error:
                log.info("offsets were not committed", error=str(error))

    def _begin(self, number: int) -> None:
        """Take over, follow or promote a shard, as far as that is not done or under way."""
        shard = self.shards.get(number)
        if shard in self._followed and self.role == "owner":
            self._followed.discard(shard)
            if shard.phase in ("following", "recovering"):
                self.lifecycle.promote(shard)
                return
            # One that froze or is still loading has nothing to go on from.
            self._give_up(self.shards.pop(number))
            shard = None
        if shard is None:
            shard = self.shards[number] = Shard(number, self._step, self._show, self.metrics.command_seconds.observe)
            if self.role == "standby":
                self._followed.add(shard)
                self.lifecycle.follow(shard)
            else:
                self.lifecycle.own(shard)

    def _begin_anew(self, shard: Shard) -> None:
        self._give_up(self.shards.pop(shard.number))
        self._begin(shard.number)

    async def _transaction_failed(self, shard: Shard, error: Exception) -> None:
        """Close a shard that was given up; anything else ends the process, for its ledger is ahead of the log."""
        if not shard.given_up and not self.membership.settled.is_set():
            # Its new owner may fence it before this worker hears of the new assignment.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.membership.settled.wait(), SETTLE_TIMEOUT_S)
        self.reconcile()
        if not shard.given_up:
            leave_at_once(CANNOT_COMMIT, "a transaction failed", shard=shard.number, error=str(error))
        log.info("a transaction failed on a revoked shard; its next owner aborts it", shard=shard.number)

    def _give_up(self, shard: Shard) -> None:
        shard.given_up = True
        shard.waiting.clear()
        self._followed.discard(shard)
        self.lifecycle.release(shard)
        self.metrics.forget(shard.number)
        log.info("shard given up", shard=shard.number, next_offset=shard.next_offset, seq=shard.seq)

    def _show(self, shard: Shard) -> None:
        self.metrics.show_state(shard.number, shard.phase)
        self.work_to_do.set()
