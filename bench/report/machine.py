"""On what a bench ran: the machine, the build of the core, and the versions of all it measured."""

import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import psutil
from confluent_kafka import libversion

from bench.report.figures import BenchReport
from schemas.compiled import ROOT, running
from stack.jars import kafka_jars
from stack.postgres_programs import programs_folder

GIB: Final = 1 << 30
TIMEOUT_S: Final = 30.0
QUIX_VERSION: Final = "3.28.1"


class BenchMachine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, what ran on it, and when."""

    date: str
    processor: str
    cores: int
    memory_gib: float
    system: str
    build: str
    versions: dict[str, str]


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """All benches of one run."""

    machine: BenchMachine
    benches: list[BenchReport]


def machine() -> BenchMachine:
    """Describe this machine, and what is measured on it."""
    return BenchMachine(
        date=datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        processor=_processor(),
        cores=psutil.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        system=f"{platform.system()} {platform.release()}",
        build=running(),
        versions={
            "Reprise": _commit(),
            "Python": platform.python_version(),
            "Kafka": next(
                jar.coordinate.rpartition(":")[2] for jar in kafka_jars() if ":kafka-clients:" in jar.coordinate
            ),
            "PostgreSQL": _printed(str(programs_folder() / "postgres"), "--version").rpartition(" ")[2],
            "librdkafka": libversion()[0],
            "FastAPI": version("fastapi"),
            "fastavro": version("fastavro"),
            "Quix Streams": QUIX_VERSION,
        },
    )


def _processor() -> str:
    """Name the processor, by what Linux says of it."""
    with suppress(FileNotFoundError):  # Another system.
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Name the commit, and say where files differ from it; the version where there is no repository."""
    if not (ROOT / ".git").exists():
        return version("reprise")
    commit = _printed("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    changed = _printed("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return f"{commit}, with changes" if changed else commit


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S).stdout.strip()
