"""How many events a second the projector writes to PostgreSQL, beside a bare COPY of the same rows."""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from bench._cpu import cpu_seconds, servers
from bench._worker import SHARD, SHARDS, append, one_shard
from bench.replay import trading_log
from bench.report.figures import CpuUse, Figure, Measured
from runtime.errors import FixableError
from runtime.python import reprise_command
from runtime.settings import Settings
from schemas.topics import EVENTS
from stack.foreground import running
from stack.ports import free_ports
from stack.status import read_page
from stack.temporary import temporary_postgres

EVENTS_COUNT: Final = 50_000
TURNS: Final = 3
LOOK_S: Final = 0.02
TIMEOUT_S: Final = 300.0
TABLES: Final = """\
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'ledger' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


def run(events: int = EVENTS_COUNT, turns: int = TURNS) -> Measured:
    """Let a projector write so many events in each turn; a short turn before warms up. Then COPY the rows of all."""
    share = events // 4
    _, log = trading_log(share + turns * events)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder, temporary_postgres() as url:
        settings = one_shard(Settings(), Path(folder)).model_copy(update={"database_url": url})
        rates: list[float] = []
        cpu: dict[str, float] = {}
        written = counted = 0
        for turn in range(turns + 1):
            end = len(log) if turn == turns else share + turn * events
            append(settings, (record.value for record in log[written:end]), EVENTS)
            rate, count, taken = _written(settings, Path(folder) / f"projector-{turn}.log", written, end)
            written = end
            if turn:
                rates.append(rate)
                counted += count
                cpu = {name: cpu.get(name, 0.0) + seconds for name, seconds in taken.items()}
        copies = [len(log) / seconds for seconds in _copied(url, turns)]
    figures = [
        Figure.of_runs("events_per_second", "events, read and written", rates, "events/s"),
        Figure.of_runs("copy_per_second", "their rows, by COPY alone", copies, "events/s", peer="COPY"),
        Figure.of_runs("ratio", "to COPY", [rate / max(copies) for rate in rates], "times"),
    ]
    return Measured(figures=figures, cpu=[CpuUse(what="projected", each="event", count=counted, seconds=cpu)])


def _written(settings: Settings, output: Path, written: int, end: int) -> tuple[float, int, dict[str, float]]:
    """Start a projector, which has these events to write, and stop it when it has.

    Give its rate from the first batch it has written to the last, the count of these events, and what they took of
    the CPU. Where one batch is all, the count is from its first answer on.
    """
    (port,) = free_ports(1)
    environment = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "DATABASE_URL": settings.database_url,
        "REPRISE_SHARDS": str(SHARDS),
        "REPRISE_DATA": str(settings.data),
        "PROJECTOR_PORT": str(port),
    }
    with running(reprise_command("run", "projector"), output, env=os.environ | environment) as process:
        roots = {"projector": psutil.Process(process.pid)} | servers()
        began: tuple[float, int, dict[str, float]] | None = None
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            seq = _seq(port)
            now = time.perf_counter()
            if seq is not None and (began is None or began[1] <= written < seq < end):
                began = now, max(seq, written), cpu_seconds(roots)
            if seq == end and began is not None:
                taken = {name: seconds - began[2][name] for name, seconds in cpu_seconds(roots).items()}
                return (end - began[1]) / (now - began[0]), end - began[1], taken
            time.sleep(LOOK_S)
    raise FixableError(f"The projector did not write {end} events in {TIMEOUT_S:.0f} s.")


def _seq(port: int) -> int | None:
    """Give the last event written; null where the projector does not answer yet."""
    found = read_page(port, "/status")
    return None if found is None or not found[1]["shards"] else int(found[1]["shards"][SHARD]["seq"])


def _copied(url: str, turns: int) -> list[float]:
    """Copy all rows of the projection into tables like theirs, which are empty; seconds of each turn."""
    found = []
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as db:
        tables = [name for (name,) in db.execute(TABLES)]
        rows = {name: _rows(db, name) for name in tables}
        db.execute("CREATE SCHEMA copied")
        for name in tables:
            db.execute(SQL("CREATE TABLE copied.{0} (LIKE ledger.{0} INCLUDING ALL)").format(Identifier(name)))
        for _ in range(turns):
            for name in tables:
                db.execute(SQL("TRUNCATE copied.{}").format(Identifier(name)))
            db.commit()
            began = time.perf_counter()
            for name in tables:
                with db.cursor().copy(SQL("COPY copied.{} FROM STDIN").format(Identifier(name))) as copy:
                    copy.write(rows[name])
            db.commit()
            found.append(time.perf_counter() - began)
    return found


def _rows(db: Connection, table: str) -> bytes:
    with db.cursor().copy(SQL("COPY ledger.{} TO STDOUT").format(Identifier(table))) as copy:
        return b"".join(copy)
