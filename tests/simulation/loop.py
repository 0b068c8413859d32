"""Virtual time: one thing happens at a time, in an order that the seed alone decides.

The asyncio code of the shell runs on this loop as it is. What it gives to threads runs as jobs, each on a strand of
its own, and of all strands and the loop only one ever runs: a job goes on until it waits for the network, and what
happens meanwhile is the seed's choice. Everything belongs to a simulated process, or to the world; what belongs to one
that is paused waits until it is woken, and nothing of a dead one ever runs again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from heapq import heappop, heappush
from typing import Any

from tests.simulation.jobs import INTERLEAVED, Job
from tests.simulation.simulated_process import CURRENT_PROCESS, WORLD, ProcessDied, SimulatedProcess


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop whose clock jumps to whatever comes next."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice = dice
        self.now = 0.0
        self.job: Job | None = None
        self.is_over = False
        self.surprises: list[str] = []
        self._soon: deque[asyncio.Handle] = deque()
        self._later: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self._tasks: list[asyncio.Task[Any]] = []  # Else one that waits for nobody would be collected.
        self._jobs: list[Job] = []

    def time(self) -> float:
        """Give the virtual time: in a job that is not interrupted, with what it has waited."""
        return self.now if self.job is None else self.now + self.job.spent

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        heappush(self._later, (when, self._count, handle))
        return handle

    def call_in_world(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Let something happen later, whatever becomes of who asked for it."""
        context = copy_context()
        context.run(CURRENT_PROCESS.set, WORLD)
        self.call_at(self.time() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays until its time comes, and then is passed over."""

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(coro, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Note an uncaught exception, except the end of a process."""
        error = context.get("exception")
        if not isinstance(error, ProcessDied) and not CURRENT_PROCESS.get().is_dead and not self.is_over:
            self.surprises.append(f"{context.get('message')}: {error!r}")

    def begin(self, process: SimulatedProcess, main: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Let a process act on its own."""
        context = copy_context()
        context.run(CURRENT_PROCESS.set, process)
        return context.run(lambda: self.create_task(main()))

    def wake(self, process: SimulatedProcess) -> None:
        """Let a paused process go on with all that came due meanwhile."""
        process.is_paused = False
        self._soon.extend(process.held)
        process.held.clear()

    def run(self) -> None:
        """Do one thing after the other until `stop`."""
        asyncio._set_running_loop(self)  # As every loop does.
        try:
            while not self.is_over:
                self._do_next()
        finally:
            asyncio._set_running_loop(None)

    def stop(self) -> None:
        """Do nothing more."""
        self.is_over = True

    def end(self) -> None:
        """Let go of everything, jobs that wait for ever included."""
        self.stop()
        for job in self._jobs:
            job.abandon()
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if not task.done():
                with suppress(RuntimeError):  # What would wait once more in its farewell.
                    task.get_coro().close()
            elif not task.cancelled():
                task.exception()  # Looked at: whose it was is dead.
        self._soon.clear()
        self._later.clear()
        self.close()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Give it to a thread of the executor, or to one of its own."""
        future: asyncio.Future[Any] = self.create_future()
        if executor is None:
            self.start_job(lambda: func(*args), future)
        else:
            executor.submit_for(future, func, *args)
        return future

    def start_job(
        self,
        work: Callable[[], Any],
        future: Any,
        after: Callable[[], None] | None = None,
        interleaved: float = INTERLEAVED,
    ) -> None:
        """Run something that blocks, in the process and the context it was given in; `after` is told when it ended."""
        job = Job(self, work, future, after, is_whole=self.dice.random() > interleaved)
        self._jobs.append(job)
        self.call_later(self.dice.random() * 0.001, job.start)

    def _do_next(self) -> None:
        if self._soon:
            handle = self._soon.popleft()
        else:
            when, _, handle = heappop(self._later)
            self.now = max(self.now, when)
        if handle._cancelled:
            return
        process = handle._context.get(CURRENT_PROCESS, WORLD)  # type: ignore[attr-defined]
        if process.is_paused:
            process.held.append(handle)
        elif not process.is_dead:
            handle._run()
