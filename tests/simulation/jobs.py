"""The shell's thread jobs run one at a time with everything else, and are interrupted where they wait."""

from collections.abc import Callable
from contextvars import copy_context
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.simulated_process import CURRENT_PROCESS, ProcessDied

if TYPE_CHECKING:
    from tests.simulation.loop import SimulatedLoop

# So many jobs are interrupted where they wait; the others happen at one moment, and take as long.
INTERLEAVED: Final = 0.2


class Job:
    """Something that blocks, and its strand. Its waits either interrupt it or only make it take longer."""

    def __init__(
        self,
        loop: "SimulatedLoop",
        work: Callable[[], Any],
        future: Any,
        after: Callable[[], None] | None,
        *,
        is_whole: bool,
    ) -> None:
        self.spent = 0.0
        self.is_whole = is_whole
        self._loop = loop
        self._work = work
        self._future = future
        self._after = after
        self._strand: Strand | None = None
        self._result: Any = None
        self._error: BaseException | None = None
        self._abandoned = False

    def start(self) -> None:
        """Begin, on the loop."""
        if self.is_whole:
            self._enter(self._do)
            self._loop.call_later(self.spent, self._report)
        else:
            self._strand = Strand.free.pop() if Strand.free else Strand()
            context = copy_context()
            self._strand.work = lambda: context.run(self._do)
            self._resume()

    def sleep(self, seconds: float) -> None:
        """Let time pass, in the job."""
        if self.is_whole:
            self.spent += seconds
            return
        self._stop_if_abandoned()
        self._loop.call_later(seconds, self._resume)
        self._give_way()

    def wait_for(self, future: Any) -> None:
        """Wait for what another job does, in the job."""
        if self.is_whole or future.done():
            assert future.done(), "a job that is not interrupted starts only such"
            return
        self._stop_if_abandoned()
        future.add_done_callback(lambda _: self._loop.call_soon(self._resume))
        self._give_way()

    def run_within(self, work: Callable[[], Any], future: Any) -> None:
        """Do at once, as a part of this one, what another thread would do."""
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  # As an executor does.
            future.set_exception(error)

    def abandon(self) -> None:
        """End what waits for ever, so that its strand can be used again."""
        if self._strand is not None:
            self._abandoned = True
            self._resume()

    def _give_way(self) -> None:
        assert self._strand is not None, "a job that can be interrupted has a strand"
        self._strand.give_way()
        self._stop_if_abandoned()

    def _stop_if_abandoned(self) -> None:
        if self._abandoned or CURRENT_PROCESS.get().is_dead:
            raise ProcessDied

    def _resume(self) -> None:
        strand = self._strand
        if strand is None:
            return
        self._enter(strand.go_on)
        if strand.is_free:
            self._strand = None
            Strand.free.append(strand)
            if not self._abandoned:
                self._report()

    def _enter(self, act: Callable[[], None]) -> None:
        outer, self._loop.job = self._loop.job, self
        try:
            act()
        finally:
            self._loop.job = outer

    def _do(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001  # Whatever it is, its future has it.
            self._error = error

    def _report(self) -> None:
        if isinstance(self._error, ProcessDied):
            return
        if not self._future.cancelled():
            if self._error is None:
                self._future.set_result(self._result)
            else:
                self._future.set_exception(self._error)
        if self._after is not None:
            self._after()


class Strand:
    """A thread that runs only while somebody waits for it, used by one job after the other."""

    free: Final[list["Strand"]] = []

    def __init__(self) -> None:
        self.work: Callable[[], None] | None = None
        self._go = Lock()
        self._back = Lock()
        self._go.acquire()
        self._back.acquire()
        Thread(target=self._run, name="strand", daemon=True).start()

    @property
    def is_free(self) -> bool:
        """Whether its work is done."""
        return self.work is None

    def go_on(self) -> None:
        """Run until it gives way or its work is done; called from outside."""
        self._go.release()
        self._back.acquire()

    def give_way(self) -> None:
        """Let the others go on until somebody calls `go_on`; called from the work."""
        self._back.release()
        self._go.acquire()

    def _run(self) -> None:
        while True:
            self._go.acquire()
            if self.work is not None:
                self.work()
            self.work = None
            self._back.release()
