"""An instance as `./reprise up` makes it, for a bench, and the CPU time of its processes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from bench._cpu import cpu_seconds, servers
from bench._exchange import wait_until_answered
from runtime.python import reprise_command
from stack import supervisor
from stack.foreground import running
from stack.instance import InstanceFolder
from stack.ports import LOOPBACK, free_ports
from stack.process_tree import process_tree

OF_GIVEN_SERVERS: Final = ("KAFKA_BROKERS", "DATABASE_URL")
SERVICES: Final = ("api", "engine-1", "projector", "market-data", "venue", "replay", "kafka", "postgres")


class RunningInstance(NamedTuple):
    """Where its API is, and the first process of each service, of a given broker and database too."""

    port: int
    roots: Mapping[str, psutil.Process]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds of each service so far, those of the processes it started included."""
        return cpu_seconds(self.roots)

    def resident_bytes(self) -> dict[str, int]:
        """Memory of each service now, that of the processes it started included; what some share is divided."""
        return {name: sum(map(_resident_bytes, process_tree(root.pid))) for name, root in self.roots.items()}


@contextmanager
def running_instance(folder: Path, environment: Mapping[str, str]) -> Iterator[RunningInstance]:
    """An instance with simulated prices, for the length of a block.

    environment: with KAFKA_BROKERS and DATABASE_URL it uses these, which must have been started by this process.
    """
    (port,) = free_ports(1)
    data = InstanceFolder(folder)
    command = reprise_command("up", "--data", str(folder), "--port", str(port), "--feed", "simulated")
    folder.mkdir()
    try:
        own = {name: value for name, value in os.environ.items() if name not in OF_GIVEN_SERVERS}
        with running(command, folder / "up.log", env=own | {"REPRISE_PROFILE": "demo"} | dict(environment)):
            wait_until_answered(f"http://{LOOPBACK}:{port}/readyz")
            found = {each.name: psutil.Process(each.pid) for each in supervisor.processes(data) if each.pid}
            roots = servers() | found
            yield RunningInstance(port, {name: root for name in SERVICES if (root := roots.get(name)) is not None})
    finally:
        supervisor.stop(data, lambda _: None)


def _resident_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.NoSuchProcess:  # It ended just now.
        return 0
    return int(getattr(memory, "pss", memory.rss))  # Only Linux knows how many share a page.
