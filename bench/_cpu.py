"""How much CPU time processes have taken, those they started included."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from stack.process_tree import process_tree


def cpu_seconds(roots: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Give the CPU seconds of each process so far, those of the processes it started included."""
    return {name: _with_descendants(root) for name, root in roots.items()}


@contextmanager
def cpu_time(roots: Mapping[str, psutil.Process]) -> Iterator[dict[str, float]]:
    """Give what the block takes, by process; it is known at the block's end."""
    taken: dict[str, float] = {}
    before = cpu_seconds(roots)
    yield taken
    taken |= {name: seconds - before[name] for name, seconds in cpu_seconds(roots).items()}


@contextmanager
def own_cpu_time() -> Iterator[dict[str, float]]:
    """Give what the block takes of this process alone; it is known at the block's end."""
    taken: dict[str, float] = {}
    before = time.process_time()
    yield taken
    taken["bench"] = time.process_time() - before


def child(word: str) -> psutil.Process | None:
    """Find the server that this process started last: its command line has the word. Null where none is its own."""
    found = [each for each in psutil.Process().children() if any(word in part for part in each.cmdline())]
    return max(found, key=psutil.Process.create_time, default=None)


def broker() -> dict[str, psutil.Process]:
    """Give the broker by its name, where this process started it."""
    return {name: process for name, process in servers().items() if name == "kafka"}


def servers() -> dict[str, psutil.Process]:
    """Give broker and database by their names, where this process started them."""
    found = {"kafka": child("kafka.Kafka"), "postgres": child("postgres")}
    return {name: process for name, process in found.items() if process is not None}


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # It ended just now, and counts with its parent from here on.
        return 0.0
    return times.user + times.system


def _with_descendants(root: psutil.Process) -> float:
    times = root.cpu_times()
    ended = times.children_user + times.children_system
    return ended + sum(map(_cpu_seconds, process_tree(root.pid)))
