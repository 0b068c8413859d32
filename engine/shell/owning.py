"""How a shard comes to be this process's: taken over, followed, or promoted, step by step; and how it is let go."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any, ParamSpec, TypeVar

import structlog

from engine.shell.garbage import Garbage
from engine.shell.liveness import CANNOT_COMMIT, Liveness, leave_at_once
from engine.shell.log import Log
from engine.shell.metrics import Metrics
from engine.shell.outbox import Outbox
from engine.shell.shard import Shard
from engine.shell.take_over import Ends, Seized, Start, ends_of, load, seize
from engine.shell.withheld import Withheld
from engine.snapshot.publish import SnapshotPublisher
from engine.snapshot.schedule import SnapshotSchedule
from runtime.settings import Settings

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Owning:
    """What is under way with each shard, in a task of its own. Everything but the threads' work is on the event loop.

    on_reading: its commands can be read, or no more. on_failure: a transaction of its failed. on_frozen: it froze
    before it could be promoted.
    """

    def __init__(
        self,
        settings: Settings,
        source: Log,
        liveness: Liveness,
        metrics: Metrics,
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
        self._garbage = Garbage()
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
            self._garbage.keep_what_is_there()

    def let_go(self, shard: Shard) -> None:
        """Write nothing more of a shard; what its producers still do is the next owner's to abort."""
        self._end(shard, self._tasks.pop(shard))

    def let_all_go(self) -> None:
        """Write nothing more at all: the process ends."""
        for shard, task in self._tasks.items():
            self._end(shard, task)

    async def _own(self, shard: Shard) -> None:
        seized = await self._in_thread(seize, self._source, shard.number)
        start = await self._load(shard, seized.ends)
        outbox = self._outbox_of(shard, seized)
        shard.recover(start, seized.ends, outbox)
        self._taken_over(shard, seized)
        del seized, start  # The outbox and the publisher alone hold a producer each, and let go of it.
        await outbox.commit_for_ever()

    async def _follow(self, shard: Shard) -> None:
        ends = await self._in_thread(ends_of, self._source, shard.number)
        start = await self._load(shard, ends)
        shard.recover(start, ends, Withheld(max(start.state.seq, ends.watermark.seq)))
        self._show_start("shard followed", shard, ends)
        self._on_reading(shard)

    async def _promote(self, shard: Shard) -> None:
        seized = await self._in_thread(seize, self._source, shard.number)
        if shard.phase == "frozen":
            # Meanwhile; what it executed before is not in the log yet, and a take-over of its own brings it there.
            self._on_frozen(shard)
            return
        shard.progress.end()
        outbox = self._outbox_of(shard, seized)
        shard.promote(seized.ends, outbox)
        self._taken_over(shard, seized)
        del seized
        await outbox.commit_for_ever()

    def _end(self, shard: Shard, task: asyncio.Task[None]) -> None:
        self._snapshots.end(shard)
        if shard.outbox is not None:
            shard.outbox.close()
        task.cancel()

    async def _load(self, shard: Shard, ends: Ends) -> Start:
        with self._garbage.left_alone():
            return await self._in_thread(load, self._source, shard.number, self._settings.shards, ends, shard.progress)

    def _outbox_of(self, shard: Shard, seized: Seized) -> Outbox:
        return Outbox(
            shard.number,
            seized.producers.events,
            seized.ends.watermark.seq,
            self._liveness,
            self._metrics,
            on_commit=self._on_commit,
            on_failure=lambda error: self._on_failure(shard, error),
        )

    def _taken_over(self, shard: Shard, seized: Seized) -> None:
        publisher = SnapshotPublisher(
            shard.number,
            seized.producers.snapshots,
            self._source,
            self._settings.engine_max_snapshots,
            self._liveness.check,
        )
        self._snapshots.begin(shard, publisher)
        self._show_start("shard taken over", shard, seized.ends)
        self._on_reading(shard)
        if shard.phase == "live":
            self.recovered(shard)

    def _show_start(self, what: str, shard: Shard, ends: Ends) -> None:
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

    def _begin(self, shard: Shard, owning: Coroutine[Any, Any, None]) -> None:
        """A task that fails ends the process: half a take-over is none."""

        def end(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("owning a shard failed", shard=shard.number, exc_info=error)
                leave_at_once(CANNOT_COMMIT, "owning a shard failed", shard=shard.number, error=repr(error))

        self._tasks[shard] = asyncio.create_task(owning, name=f"own-{shard.number}")
        self._tasks[shard].add_done_callback(end)
