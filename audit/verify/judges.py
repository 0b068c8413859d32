"""How the judges are set to work: one shard and one question each, side by side where there are cores."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from typing import Any, Final, Literal, Protocol, Self

import msgspec

from audit.log.differences import Difference
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.acts import compare_acts
from audit.verify.execution import execute
from audit.verify.folding import fold
from audit.verify.reports import Advance, JudgeReport, JudgeStart
from audit.verify.ring import RingReport, check_ring, start_from
from audit.verify.since import OtherLog, TrustedEnd, start_since
from audit.verify.tables import compare_tables

Question = Literal["files", "snapshots", "events", "fold", "tables", "acts"]
LOOK_S: Final = 0.2
PROCESSES_MAX: Final = 60  # Each has a connection to the database, which gives the audit 64.

# Told now and then how many records each task has been through.
OnProgress = Callable[[Sequence[int]], None]


class JudgeEnded(Protocol):
    """Told of each task when it is answered: its number, how long that took, and whether all of it was read."""

    def __call__(self, number: int, seconds: float, *, agrees: bool) -> None: ...


_counts: Any = None  # in a process of the pool: shared with its parent


class Task(msgspec.Struct):
    """One question about one shard. start: where the manifest stands of the snapshot to begin with, if any does.

    since: where an earlier verdict ended, to begin there.
    """

    question: Question
    log: Any  # a Log, which can be sent
    shard: int
    start: int | None = None
    points: frozenset[int] = frozenset()
    database_url: str = ""
    since: TrustedEnd | None = None


class Judges:
    """As many processes as are wanted, for all questions; none but this one where one is enough."""

    def __init__(self, processes: int, tasks_max: int) -> None:
        self._counts: Any = [0] * tasks_max
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            context = multiprocessing.get_context("spawn")  # A fork would share the threads of Kafka's clients.
            self._counts = context.Array("q", tasks_max)
            self._pool = ProcessPoolExecutor(
                processes, mp_context=context, initializer=_share, initargs=(self._counts,)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def ask(
        self, tasks: Sequence[Task], on_progress: OnProgress, ended: JudgeEnded | None = None
    ) -> list[JudgeReport | RingReport]:
        """Answer each task, in the order of the tasks."""
        self._counts[: len(tasks)] = [0] * len(tasks)
        if self._pool is None:
            return [self._ask_here(number, tasks, on_progress, ended) for number in range(len(tasks))]
        futures: list[Future[JudgeReport | RingReport]] = [
            self._pool.submit(_answer_there, *each) for each in enumerate(tasks)
        ]
        left = set(futures)
        while left:
            done, left = wait(left, timeout=LOOK_S)
            on_progress(self._counts[: len(tasks)])
            for future in done if ended is not None else ():
                _report_end(ended, futures.index(future), future.result())
        return [future.result() for future in futures]

    def _ask_here(
        self, number: int, tasks: Sequence[Task], on_progress: OnProgress, ended: JudgeEnded | None
    ) -> JudgeReport | RingReport:
        def advance(count: int) -> None:
            self._counts[number] += count
            on_progress(self._counts[: len(tasks)])

        answer = _answer(tasks[number], advance)
        _report_end(ended, number, answer)
        return answer


def cores() -> int:
    """Give how many processes can run at once, and have a connection each."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, PROCESSES_MAX)


def _report_end(ended: JudgeEnded | None, number: int, answer: JudgeReport | RingReport) -> None:
    if ended is not None:
        ended(number, answer.seconds, agrees=not answer.differences)


def _share(counts: Any) -> None:
    global _counts  # noqa: PLW0603  # How a process of a pool is given what cannot be sent with a task.
    _counts = counts


def _answer_there(number: int, task: Task) -> JudgeReport | RingReport:
    def advance(count: int) -> None:
        _counts[number] += count

    return _answer(task, advance)


def _answer(task: Task, advance: Advance) -> JudgeReport | RingReport:
    """Answer a task; a log that cannot be read is an answer too, so that the other shards are looked at."""
    log: LogReader = task.log
    try:
        match task.question:
            case "files":
                return JudgeReport("files", task.shard, differences=log.damages(task.shard))
            case "snapshots":
                return check_ring(log, task.shard)
            case "events":
                return execute(log, task.shard, _start_of(task), task.points, advance)
            case "fold":
                return fold(log, task.shard, _start_of(task), task.points, advance)
            case "tables":
                return compare_tables(log, task.shard, task.database_url, advance)
            case "acts":
                return compare_acts(log, task.shard, task.database_url, advance)
    except OtherLog as error:
        return JudgeReport(task.question, task.shard, differences=[error.difference])
    except LogUnreadable as error:
        difference = Difference(judge=task.question, shard=task.shard, what=str(error), offset=error.offset)
        if task.question == "snapshots":
            return RingReport(task.shard, differences=[difference])
        return JudgeReport(task.question, task.shard, differences=[difference])


def _start_of(task: Task) -> JudgeStart:
    if task.since is not None:
        return start_since(task.log, task.shard, task.since)
    return start_from(task.log, task.shard, task.start)
