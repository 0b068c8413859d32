"""Which shards this process owns, and how they come, go and stop."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any, Final, Literal, ParamSpec, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from reprise.engine.shell.fatal import CANNOT_COMMIT, leave_at_once
from reprise.engine.shell.group import Membership
from reprise.engine.shell.liveness import Liveness
from reprise.engine.shell.log import Log
from reprise.engine.shell.metrics import Metrics
from reprise.engine.shell.outbox import Outbox
from reprise.engine.shell.publishing import Publisher
from reprise.engine.shell.shard import Records, Shard, Step
from reprise.engine.shell.snapshots import Snapshots
from reprise.engine.shell.start import Start
from reprise.engine.shell.take_over import Ends, Seized, ends_of, load, seize
from reprise.engine.shell.withheld import Withheld
from reprise.runtime.settings import Settings
from reprise.schemas.topics import COMMANDS

log = structlog.get_logger(__name__)

Role = Literal["owner", "standby"]
P = ParamSpec("P")
R = TypeVar("R")

# How long a failed commit waits for a running rebalance to say whose shard it was.
SETTLE_TIMEOUT_S: Final = 15.0
# The process manager waits 20 s: first for the commits, then for a last snapshot, which is only a convenience.
STOP_TIMEOUT_S: Final = 15.0
LAST_SNAPSHOT_UNTIL_S: Final = 17.0


class Worker:
    """The shards of this process. Everything but the threads' work runs on the event loop."""

    def __init__(
        self,
        settings: Settings,
        source: Log,
        reader: AIOKafkaConsumer,
        liveness: Liveness,
        metrics: Metrics,
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
        self.snapshots = Snapshots(
            self.shards, metrics, settings.engine_snapshot_interval / 1_000, on_failure=self._transaction_failed
        )
        self._source = source
        self._reader = reader
        self._liveness = liveness
        self._step = step
        self._loading = 0
        self._owning: dict[Shard, asyncio.Task[None]] = {}
        self._followed: set[Shard] = set()
        self._threads = ThreadPoolExecutor(settings.shards, "take-over")

    @property
    def is_ready(self) -> bool:
        """Whether every shard of this worker executes what comes in; a standby's, whether it could go on at once."""
        if self.role == "standby":
            return bool(self.shards) and all(shard.phase == "following" for shard in self.shards.values())
        return self.membership.joined and all(shard.phase == "live" for shard in self.shards.values())

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
            was_recovering = shard.phase == "recovering"
            shard.execute(records)
            if shard.phase == "frozen":
                self.place_reader(shard)
            elif was_recovering and shard.phase == "live":
                self._went_live(shard)
            elif was_recovering and shard.phase == "following":
                self._keep_what_is_loaded()

    def freeze(self, shard: Shard, error: str) -> None:
        """Stop one shard for good; the others go on."""
        shard.freeze(error)
        self.place_reader(shard)

    def see_committed(self, shard: Shard, ends: Ends) -> None:
        """Compare a followed shard with what its owner has committed, unless it was given up or promoted meanwhile."""
        if shard.withheld is not None and shard.is_executing:
            shard.see_committed(ends)
            self.work_to_do.set()
            if shard.phase == "frozen":
                self.place_reader(shard)

    def watch_clocks(self) -> None:
        """Alarm where the price sender's clock and log time part: such a shard opens nothing."""
        for shard in self.shards.values():
            if shard.phase != "live" or shard.state is None:
                continue
            suspect = shard.state.clock_suspect
            self.metrics.clock_suspect.labels(shard.number).set(suspect)
            if suspect != shard.clock_alarm:
                shard.clock_alarm = suspect
                log.warning("clock suspect" if suspect else "clock trusted again", shard=shard.number)

    async def commits_done(self) -> None:
        """Wait until every event of every shard is committed."""
        outboxes = [shard.outbox for shard in self.shards.values() if shard.outbox is not None]
        await asyncio.gather(*(outbox.drained() for outbox in outboxes))

    async def publish_positions(self) -> None:
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
                log.info("positions were not published", error=str(error))

    async def finish(self) -> None:
        """Execute nothing more, commit what was executed, and take a last snapshot, so that the next start is short."""
        self.is_stopping = True
        began = monotonic()
        try:
            await asyncio.wait_for(self.commits_done(), STOP_TIMEOUT_S)
        except TimeoutError:
            leave_at_once(CANNOT_COMMIT, "executed commands could not be committed before the end")
        try:
            await asyncio.wait_for(self.snapshots.take_last(), began + LAST_SNAPSHOT_UNTIL_S - monotonic())
        except TimeoutError:
            log.warning("no time for a last snapshot of every shard; the next start replays more")

    async def leave(self) -> None:
        """Leave the group, after everything was committed and nothing reads any more."""
        await self.membership.leave(self._reader)
        for shard, task in self._owning.items():
            task.cancel()
            self.snapshots.end(shard)
            if shard.outbox is not None:
                shard.outbox.close()

    def _begin(self, number: int) -> None:
        """Take over, follow or promote a shard, as far as that is not done or under way."""
        shard = self.shards.get(number)
        if shard in self._followed and self.role == "owner":
            self._followed.discard(shard)
            if shard.phase in ("following", "recovering"):
                shard.assigned_at = monotonic()
                self._in_a_task(shard, self._promote(shard))
                return
            # One that froze or is still loading has nothing to go on from.
            self._give_up(self.shards.pop(number))
            shard = None
        if shard is None:
            shard = self.shards[number] = Shard(number, self._step, self._show, self.metrics.command_seconds.observe)
            if self.role == "standby":
                self._followed.add(shard)
                self._in_a_task(shard, self._follow(shard))
            else:
                self._in_a_task(shard, self._own(shard))

    async def _own(self, shard: Shard) -> None:
        """Take a shard over, recover it, and commit its events until it is given up."""
        seized = await self._in_thread(seize, self._source, shard.number)
        start = await self._load(shard, seized.ends)
        outbox = self._outbox_of(shard, seized)
        shard.recover(start, seized.ends, outbox)
        self._taken_over(shard, seized)
        del seized, start  # The outbox and the publisher alone hold a producer each, and let go of it.
        await outbox.commit_for_ever()

    async def _follow(self, shard: Shard) -> None:
        """Execute what a shard's owner executes, and write nothing."""
        ends = await self._in_thread(ends_of, self._source, shard.number)
        start = await self._load(shard, ends)
        shard.recover(start, ends, Withheld(max(start.state.seq, ends.watermark.seq)))
        self._show_start("shard followed", shard, ends)
        self.place_reader(shard)

    async def _promote(self, shard: Shard) -> None:
        """Take over a shard that was followed, and commit its events until it is given up."""
        seized = await self._in_thread(seize, self._source, shard.number)
        if shard.phase == "frozen":
            # Meanwhile; what it executed before is not in the log yet, and a take-over of its own brings it there.
            self._give_up(self.shards.pop(shard.number))
            self._begin(shard.number)
            return
        shard.progress.end()
        outbox = self._outbox_of(shard, seized)
        shard.promote(seized.ends, outbox)
        self._taken_over(shard, seized)
        del seized
        await outbox.commit_for_ever()

    async def _load(self, shard: Shard, ends: Ends) -> Start:
        with self._without_collections():
            return await self._in_thread(load, self._source, shard.number, self.settings.shards, ends, shard.progress)

    def _outbox_of(self, shard: Shard, seized: Seized) -> Outbox:
        return Outbox(
            shard.number,
            seized.producers.events,
            seized.ends.watermark.seq,
            self._liveness,
            self.metrics,
            on_commit=self.work_to_do.set,
            on_failure=lambda error: self._transaction_failed(shard, error),
        )

    def _taken_over(self, shard: Shard, seized: Seized) -> None:
        publisher = Publisher(
            shard.number, seized.producers.snapshots, self._source, self.settings.engine_max_snapshots, self._liveness
        )
        self.snapshots.begin(shard, publisher)
        self._show_start("shard taken over", shard, seized.ends)
        self.place_reader(shard)
        if shard.phase == "live":
            self._went_live(shard)

    def _show_start(self, what: str, shard: Shard, ends: Ends) -> None:
        log.info(
            what,
            shard=shard.number,
            watermark=ends.watermark.seq,
            snapshot=shard.snapshotted.number,
            start=shard.start_offset,
            end=ends.bounds.end,
            seconds=round(monotonic() - shard.assigned_at, 3),
            **{part: round(seconds, 3) for part, seconds in shard.progress.seconds.items()},
        )

    async def _in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads,
            partial(copy_context().run, function, *args, **kwargs),  # Its log lines name the service.
        )

    async def _transaction_failed(self, shard: Shard, error: Exception) -> None:
        """Close a shard that was given up; anything else ends the process, for its ledger is ahead of the log."""
        if not shard.given_up and not self.membership.settled.is_set():
            # Its new owner may fence it before this worker hears of the new assignment.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.membership.settled.wait(), SETTLE_TIMEOUT_S)
        self.reconcile()
        if not shard.given_up:
            leave_at_once(CANNOT_COMMIT, "a transaction failed", shard=shard.number, error=str(error))
        log.info("the last transaction of a shard given up was its next owner's to abort", shard=shard.number)

    def _give_up(self, shard: Shard) -> None:
        shard.given_up = True
        shard.waiting.clear()
        self._followed.discard(shard)
        self.snapshots.end(shard)
        if shard.outbox is not None:
            shard.outbox.close()
        self._owning.pop(shard).cancel()
        self.metrics.forget(shard.number)
        log.info("shard given up", shard=shard.number, next_offset=shard.next_offset, seq=shard.seq)

    def _went_live(self, shard: Shard) -> None:
        seconds = monotonic() - shard.assigned_at
        self.metrics.recovery_seconds.observe(seconds)
        log.info("shard live", shard=shard.number, next_offset=shard.next_offset, seconds=round(seconds, 3))
        self._keep_what_is_loaded()

    def _keep_what_is_loaded(self) -> None:
        """Let no collection look through a recovered ledger again: it stays.

        None is made first: it would stop the shards for as long as the ledger is large, and replaying leaves next to
        nothing to collect.
        """
        if all(shard.phase in ("live", "following", "frozen") for shard in self.shards.values()):
            gc.freeze()

    @contextmanager
    def _without_collections(self) -> Iterator[None]:
        """Let a ledger be loaded without collections, each of which would look through what is there already."""
        self._loading += 1
        gc.disable()
        try:
            yield
        finally:
            self._loading -= 1
            if not self._loading:
                gc.freeze()
                gc.enable()

    def _show(self, shard: Shard) -> None:
        self.metrics.show_state(shard.number, shard.phase)
        self.work_to_do.set()

    def _in_a_task(self, shard: Shard, owning: Coroutine[Any, Any, None]) -> None:
        """A task that fails ends the process: half a take-over is none."""

        def end(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("owning a shard failed", shard=shard.number, exc_info=error)
                leave_at_once(CANNOT_COMMIT, "owning a shard failed", shard=shard.number, error=repr(error))

        self._owning[shard] = asyncio.create_task(owning, name=f"own-{shard.number}")
        self._owning[shard].add_done_callback(end)
