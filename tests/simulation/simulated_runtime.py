"""The simulated runtime of the shell: in place of clocks, threads, sockets and an operating system."""

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from types import ModuleType, SimpleNamespace
from typing import Any, Final, NoReturn, Self

import confluent_kafka
from structlog._config import BoundLoggerLazyProxy

from engine.shell import liveness
from engine.snapshot import copy_on_write, schedule
from schemas import snapshots as schemas
from tests.simulation.clients import Network, SimulatedConsumer
from tests.simulation.cluster import START_MS
from tests.simulation.jobs import INTERLEAVED
from tests.simulation.loop import SimulatedLoop
from tests.simulation.producer import SimulatedProducer
from tests.simulation.simulated_process import CURRENT_PROCESS, ProcessDied
from tests.simulation.trace import Trace

REPLACED_IN: Final = ("engine.shell.", "engine.snapshot.", "runtime.", "audit.")
# What a slice of a snapshot's copy is measured by goes on by up to this each time it is looked at.
INSTANT_S: Final = 0.001
# In a take-over the order of things is everything.
TAKE_OVERS_INTERLEAVED: Final = 0.7
# So that a ledger of a few accounts has many pages, and its snapshot several chunks; and what is looked at for ever is
# looked at less often, which is most of what a run costs.
SCALE: Final[tuple[tuple[ModuleType, str, float], ...]] = (
    (copy_on_write, "PAGE_BYTES", 150),
    (schemas, "CHUNK_BYTES", 700),
    (schedule, "CHUNK_BYTES", 700),
    (schedule, "LOOK_S", 0.15),
    (liveness, "BEAT_S", 0.5),
)


class SimulatedExecutor:
    """A pool of threads whose work runs as jobs; one thread's in the order it was given."""

    def __init__(self, loop: SimulatedLoop, threads: int, name: str) -> None:
        self._interleaved = TAKE_OVERS_INTERLEAVED if name == "take-over" else INTERLEAVED
        self._loop = loop
        self._threads = threads
        self._running = 0
        self._waiting: deque[tuple[Callable[[], Any], Any]] = deque()
        self._futures: list[Future[Any]] = []
        self._is_shut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def submit(self, function: Callable[..., Any], *args: Any) -> "Future[Any]":
        """Give the future of some work, as a pool does."""
        future: Future[Any] = Future()
        self._futures.append(future)
        self.submit_for(future, function, *args)
        return future

    def submit_for(self, future: Any, function: Callable[..., Any], *args: Any) -> None:
        """Do some work for a future of either kind."""
        if self._is_shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        work = partial(function, *args)
        if self._loop.job is not None and self._loop.job.is_whole:
            self._loop.job.run_within(work, future)
            return
        self._waiting.append((work, future))
        self._start_next()

    def shutdown(self, *, wait: bool = True) -> None:
        """Take nothing more; wait for what there is, where a job does."""
        self._is_shut = True
        if wait:
            assert self._loop.job is not None, "only threads block"
            for future in self._futures:
                self._loop.job.wait_for(future)

    def _start_next(self) -> None:
        if self._waiting and self._running < self._threads:
            self._running += 1
            work, future = self._waiting.popleft()
            self._loop.start_job(work, future, self._end_one, self._interleaved)

    def _end_one(self) -> None:
        self._running -= 1
        self._start_next()


class TracedLog:
    """What a module of the shell logs, as lines of the trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def _say(self, what: str, **facts: Any) -> None:
        facts.pop("exc_info", None)
        self._trace.add(CURRENT_PROCESS.get().name, what, **facts)

    debug = info = warning = error = critical = exception = _say


@contextmanager
def simulated(loop: SimulatedLoop, network: Network, trace: Trace) -> Iterator[None]:
    """Let the shell run on this loop and these brokers, wherever it looks something up."""
    stand_ins = _stand_ins(loop, network, trace)
    places = [(module, name, stand_ins[kind]) for module, name, kind in _places()]
    places += [(module, name, size) for module, name, size in SCALE]
    replaced = [(module, name, vars(module)[name]) for module, name, _ in places]
    for module, name, stand_in in places:
        setattr(module, name, stand_in)
    try:
        yield
    finally:
        for module, name, original in replaced:
            setattr(module, name, original)


def _stand_ins(loop: SimulatedLoop, network: Network, trace: Trace) -> dict[str, Any]:
    instants = 0.0

    def perf_counter() -> float:
        nonlocal instants
        instants += loop.dice.random() * INSTANT_S
        return loop.time() + instants

    clock = SimpleNamespace(
        monotonic=loop.time,
        perf_counter=perf_counter,
        time=lambda: START_MS / 1_000 + loop.time(),
        sleep=lambda seconds: _job_of(loop).sleep(seconds),
    )

    def leave_at_once(code: int, reason: str, **facts: object) -> NoReturn:
        process = CURRENT_PROCESS.get()
        trace.add(process.name, f"ends itself: {reason}", code=code, **facts)
        process.is_dead = True
        raise ProcessDied

    return {
        "time": clock,
        "monotonic": clock.monotonic,
        "perf_counter": clock.perf_counter,
        "sleep": clock.sleep,
        "executor": lambda threads, name: SimulatedExecutor(loop, threads, name),
        "consumer": lambda options: SimulatedConsumer(network, options),
        "producer": lambda options: SimulatedProducer(network, options),
        "exit": leave_at_once,
        "gc": SimpleNamespace(freeze=int, enable=int, disable=int),
        "log": TracedLog(trace),
    }


def _job_of(loop: SimulatedLoop) -> Any:
    assert loop.job is not None, "only threads block"
    return loop.job


@cache
def _places() -> list[tuple[ModuleType, str, str]]:
    """Give where the modules keep what has a stand-in: module, name, kind."""
    kinds = {
        id(time): "time",
        id(time.monotonic): "monotonic",
        id(time.perf_counter): "perf_counter",
        id(time.sleep): "sleep",
        id(ThreadPoolExecutor): "executor",
        id(confluent_kafka.Consumer): "consumer",
        id(confluent_kafka.Producer): "producer",
        id(liveness.leave_at_once): "exit",
        id(gc): "gc",
    }
    found = []
    for module_name, module in sorted(sys.modules.items()):
        if not module_name.startswith(REPLACED_IN):
            continue
        for name, value in vars(module).items():
            kind = "log" if isinstance(value, BoundLoggerLazyProxy) else kinds.get(id(value))
            if kind is not None:
                found.append((module, name, kind))
    return found
