"""How a shard becomes this process's: taken over, followed, or promoted, step by step; and how it is released."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

import structlog

from engine.shell.gc_control import GcControl
from engine.shell.liveness import CANNOT_COMMIT, Liveness, leave_at_once
from engine.shell.log import Log
from engine.shell.metrics import EngineMetrics
from engine.shell.outbox import CommitOutbox
from engine.shell.shard import Shard
from engine.shell.take_over import (
    FencedShard,
    ForeignTransaction,
    LogEnds,
    ShardStart,
    fence,
    fence_again,
    load,
    log_ends,
)
from engine.shell.uncommitted import UncommittedOutputs
from engine.snapshot.publish import SnapshotPublisher
from engine.snapshot.schedule import SnapshotSchedule
from runtime.settings import Settings

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

FOREIGN_TRANSACTION_PAUSE_S: Final = 1.0


class ShardLifecycle:
    """What is under way with each shard, in a task of its own. Everything but the threads' work is on the event loop.

    on_reading: its commands can be read, or no more. on_failure: a transaction of its failed. on_frozen: it froze
    before it could be promoted.
    """

    def __init__(
        self,
        settings: Settings,
        source: Log,
        liveness: Liveness,
        metrics: EngineMetrics,
        snapshots: SnapshotSchedule[Shard],
        *,
        on_reading: Callable[[Shard], None],
        on_commit: Callable[[], None],
        on_failure: Callable[[Shard, Exception], Awaitable[None]],
        on_frozen: Callable[[Shard], None],
    ) -> None:
        self._settings = settings
        self._source = source
        self._liveness = liveness
        self._metrics = metrics
        self._snapshots = snapshots
        self._on_reading = on_reading
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._on_frozen = on_frozen
        self._tasks: dict[Shard, asyncio.Task[None]] = {}
        self._gc = GcControl()
        self._threads = ThreadPoolExecutor(settings.shards, "take-over")

    def own(self, shard: Shard) -> None:
        """Take a shard over, recover it, and commit its events until it is let go."""
        self._begin(shard, self._own(shard))

    def follow(self, shard: Shard) -> None:
        """Execute what a shard's owner executes, and write nothing."""
        self._begin(shard, self._follow(shard))

    def promote(self, shard: Shard) -> None:
        """Take over a shard that was followed, and commit its events until it is let go."""
        shard.assigned_at = monotonic()
        self._begin(shard, self._promote(shard))

    def recovered(self, shard: Shard) -> None:
        """Note that a shard has executed all there was: it is live, or it follows."""
        if shard.phase == "live":
            seconds = monotonic() - shard.assigned_at
            self._metrics.recovery_seconds.observe(seconds)
            log.info("shard live", shard=shard.number, next_offset=shard.next_offset, seconds=round(seconds, 3))
        if all(each.phase in ("live", "following", "frozen") for each in self._tasks):
            self._gc.freeze()

    def release(self, shard: Shard) -> None:
        """Write nothing more of a shard; what its producers still do is the next owner's to abort."""
        self._end(shard, self._tasks.pop(shard))

    def release_all(self) -> None:
        """Write nothing more at all: the process ends."""
        for shard, task in self._tasks.items():
            self._end(shard, task)

    async def _own(self, shard: Shard) -> None:
        fenced = await self._fence(shard)
        start = await self._load(shard, fenced.ends)
        outbox = self._outbox_of(shard, fenced)
        shard.recover(start, fenced.ends, outbox)
        self._taken_over(shard, fenced)
        del fenced, start  # The outbox and the publisher alone hold a producer each, and let go of it.
        await outbox.commit_for_ever()

    async def _follow(self, shard: Shard) -> None:
        ends = await self._in_thread(log_ends, self._source, shard.number)
        start = await self._load(shard, ends)
        shard.recover(start, ends, UncommittedOutputs(max(start.state.seq, ends.watermark.seq)))
        self._show_start("shard followed", shard, ends)
        self._on_reading(shard)

    async def _promote(self, shard: Shard) -> None:
        fenced = await self._fence(shard)
        if shard.phase == "frozen":
            # Meanwhile; what it executed before is not in the log yet, and a take-over of its own brings it there.
            self._on_frozen(shard)
            return
        shard.progress.end()
        outbox = self._outbox_of(shard, fenced)
        shard.promote(fenced.ends, outbox)
        self._taken_over(shard, fenced)
        del fenced
        await outbox.commit_for_ever()

    async def _fence(self, shard: Shard) -> FencedShard:
        """Fence the former owner, as often as it takes until the last committed event is known."""
        why = None
        while True:
            try:
                fenced = await self._in_thread(fence, self._source, shard.number)
            except ForeignTransaction as error:
                why = str(error)
                shard.error = shard.error or why
                log.warning("a shard cannot be taken over yet", shard=shard.number, why=why)
                await asyncio.sleep(FOREIGN_TRANSACTION_PAUSE_S)
            else:
                if shard.error == why:  # Else it froze meanwhile, for a reason of its own.
                    shard.error = None
                return fenced

    def _end(self, shard: Shard, task: asyncio.Task[None]) -> None:
        self._snapshots.end(shard)
        if shard.outbox is not None:
            shard.outbox.close()
        task.cancel()

    async def _load(self, shard: Shard, ends: LogEnds) -> ShardStart:
        with self._gc.paused():
            return await self._in_thread(load, self._source, shard.number, self._settings.shards, ends, shard.progress)

    def _outbox_of(self, shard: Shard, fenced: FencedShard) -> CommitOutbox:
        return CommitOutbox(
            shard.number,
            fenced.producers.events,
            fenced.ends.watermark.seq,
            self._liveness,
            self._metrics,
            on_commit=self._on_commit,
            on_failure=lambda error: self._on_failure(shard, error),
            fence_again=partial(fence_again, self._source, shard.number),
        )

    def _taken_over(self, shard: Shard, fenced: FencedShard) -> None:
        publisher = SnapshotPublisher(
            shard.number,
            fenced.producers.snapshots,
            self._source,
            self._settings.engine_max_snapshots,
            self._liveness.check,
            partial(self._source.fence_snapshots, shard.number),
        )
        self._snapshots.begin(shard, publisher)
        self._show_start("shard taken over", shard, fenced.ends)
        self._on_reading(shard)
        if shard.phase == "live":
            self.recovered(shard)

    def _show_start(self, what: str, shard: Shard, ends: LogEnds) -> None:
        log.info(
            what,
            shard=shard.number,
            watermark=ends.watermark.seq,
            snapshot=shard.last_snapshot.number,
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

    def _begin(self, shard: Shard, work: Coroutine[Any, Any, None]) -> None:
        """A task that fails ends the process: half a take-over is none."""

        def end(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("owning a shard failed", shard=shard.number, exc_info=error)
                leave_at_once(CANNOT_COMMIT, "owning a shard failed", shard=shard.number, error=repr(error))

        self._tasks[shard] = asyncio.create_task(work, name=f"own-{shard.number}")
        self._tasks[shard].add_done_callback(end)
