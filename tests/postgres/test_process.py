"""The projector as a process, between a real Kafka and a real PostgreSQL, loses and doubles nothing."""

import json
import os
import random
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, create_engine, text

from projector import queries
from projector.rebuild import rebuild
from projector.write.writer import Writer
from runtime.kafka import transactional_producer_options
from runtime.python import python_command
from runtime.settings import Settings
from schemas.topics import EVENTS
from tests.postgres.tables_content import Content, content
from tests.projector.streams import Exchange, busy_exchange

RUN = "from projector.main import main; from runtime.settings import Settings; main(Settings())"
PATIENCE_S = 120.0
A_MEGABYTE = 1_000_000


class SettingsFactory(Protocol):
    def __call__(self, **overrides: object) -> Settings: ...


class Publisher:
    """Writes an exchange's events into Kafka as the engine does: one transactional producer a shard."""

    def __init__(self, settings: Settings, exchange: Exchange) -> None:
        self.exchange = exchange
        self.next = [0] * exchange.shards
        self._producers = [
            Producer(transactional_producer_options(settings, f"engine-{shard}")) for shard in range(exchange.shards)
        ]
        for producer in self._producers:
            producer.init_transactions(30)

    @property
    def done(self) -> bool:
        return all(place >= len(values) for place, values in zip(self.next, self.exchange.values, strict=True))

    def publish(self, count: int) -> None:
        """Commit the next `count` events of every shard, in one transaction each."""
        for shard in range(self.exchange.shards):
            chosen = self.exchange.values[shard][self.next[shard] : self.next[shard] + count]
            self.send(shard, chosen, commit=True)
            self.next[shard] += len(chosen)

    def send(self, shard: int, values: list[bytes], *, commit: bool) -> None:
        producer = self._producers[shard]
        producer.begin_transaction()
        for number, value in enumerate(values):
            producer.produce(EVENTS, value, partition=shard)
            if number % 10_000 == 0:
                producer.poll(0)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)


@contextmanager
def projector(settings: Settings, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A projector of its own process; killed at the end if it still runs."""
    environment = os.environ | {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "DATABASE_URL": settings.database_url,
        "PROJECTOR_PORT": str(settings.projector_port),
    }
    with output.open("ab") as sink:
        process = subprocess.Popen(python_command("-c", RUN), env=environment, stdout=sink, stderr=sink)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def page(settings: Settings, name: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.projector_port}/{name}", timeout=5) as answer:
        return json.load(answer)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.02)


def projected(engine: Engine) -> int:
    with engine.connect() as db:
        return sum(row.seq for row in queries.progress(db))


def wait_for_all(engine: Engine, exchange: Exchange) -> None:
    count = sum(len(values) for values in exchange.values)
    wait_until(lambda: projected(engine) == count, f"{count} events projected")


def written_at_once(engine: Engine, exchange: Exchange, settings: Settings) -> Content:
    """What the tables hold when all events are written in one batch; they are empty again afterwards."""
    Writer(engine, exchange.shards).write(exchange.entries())
    found = content(engine)
    rebuild(settings)
    assert projected(engine) == 0
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)  # Six processes are started, on a machine that may be busy.
def test_the_projector_killed_at_random_points_loses_and_doubles_no_event(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(21, rounds=160)
    expected = written_at_once(engine, exchange, own)
    publisher = Publisher(own, exchange)
    dice = random.Random(21)
    for _ in range(5):
        before = projected(engine)
        with projector(own, tmp_path / "output") as process:
            publisher.publish(30)
            wait_until(lambda before=before: projected(engine) > before, "a beginning")  # type: ignore[misc]
            end = time.monotonic() + dice.uniform(0.0, 0.4)
            while time.monotonic() < end:
                publisher.publish(dice.randint(1, 10))
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    with projector(own, tmp_path / "output") as process:
        while not publisher.done:
            publisher.publish(500)
        wait_for_all(engine, exchange)
        assert content(engine) == expected
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.slow
def test_the_projector_with_repeatedly_cut_connections_loses_and_doubles_no_event(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(22, rounds=120)
    expected = written_at_once(engine, exchange, own)
    publisher = Publisher(own, exchange)
    # The engine of the test bears the projector's name, too, so the cutting is done from elsewhere.
    other = create_engine(database_url, isolation_level="AUTOCOMMIT")
    engine.dispose()
    cut = 0
    publisher.publish(5)
    with projector(own, tmp_path / "output") as process, other.connect() as db:
        wait_until(lambda: db.execute(text("SELECT sum(seq) FROM ledger.progress")).scalar_one() is not None, "a start")
        while not publisher.done:
            publisher.publish(15)
            cut += db.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'reprise-projector'"
                )
            ).scalar_one()
        wait_for_all(engine, exchange)
        assert content(engine) == expected
        assert process.poll() is None
    other.dispose()
    assert cut > 0


@pytest.mark.slow
def test_a_rebuild_gives_identical_tables_with_and_without_a_running_projector(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(23, rounds=80)
    publisher = Publisher(own, exchange)
    publisher.publish(100_000)
    with projector(own, tmp_path / "output"):
        wait_for_all(engine, exchange)
        original = content(engine)
        rebuild(own)
        assert projected(engine) < sum(len(values) for values in exchange.values)
        wait_for_all(engine, exchange)
        assert content(engine) == original
    rebuild(own)
    rebuild(own)
    assert all(not rows for rows in content(engine).values())
    with projector(own, tmp_path / "output"):
        wait_for_all(engine, exchange)
        assert content(engine) == original


@pytest.mark.slow
def test_the_projector_shows_its_progress_without_aborted_events(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(26, rounds=5)
    publisher = Publisher(own, exchange)
    publisher.send(0, exchange.values[0][:3], commit=False)
    publisher.publish(100_000)
    with projector(own, tmp_path / "output") as process:
        wait_for_all(engine, exchange)
        wait_until(lambda: all(row.current_at for row in confirmed(engine)), "all shards current")
        # A clock that never stops says that a quiet shard is not behind.
        first = confirmed(engine)
        wait_until(lambda: confirmed(engine)[0].current_at > first[0].current_at, "a later confirmation")
        shards = page(own, "status")["shards"]
        assert [row["seq"] for row in shards] == [len(values) for values in exchange.values]
        assert [row["lag"] for row in shards] == [0, 0, 0, 0]
        assert all(row["next_offset"] == row["end_offset"] for row in shards)
        assert page(own, "readyz") == {"ready": True, "why": None}
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{own.projector_port}/metrics", timeout=5).read()
        numbers = {
            (sample.name, sample.labels.get("shard")): sample.value
            for family in text_string_to_metric_families(metrics.decode())
            for sample in family.samples
        }
        assert [numbers["lag_records", str(shard)] for shard in range(4)] == [0, 0, 0, 0]
        assert [numbers["written_seq", str(shard)] for shard in range(4)] == [len(values) for values in exchange.values]
        assert numbers["events_written_total", None] == sum(map(len, exchange.values))
        assert numbers["write_seconds_count", None] > 0
        assert numbers["process_resident_memory_bytes", None] > A_MEGABYTE
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def confirmed(engine: Engine) -> list[queries.ProjectionProgress]:
    with engine.connect() as db:
        return queries.progress(db)


@pytest.mark.slow
def test_the_speed_from_kafka_to_the_tables_is_printed(
    engine: Engine,
    database_url: str,
    settings: SettingsFactory,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(27, accounts=2_000, rounds=300, orders=200)
    count = sum(len(values) for values in exchange.values)
    Publisher(own, exchange).publish(1_000_000)
    with projector(own, tmp_path / "output"):
        wait_until(lambda: projected(engine) > 0, "a beginning")
        begun, already = time.perf_counter(), projected(engine)
        wait_for_all(engine, exchange)
        rate = (count - already) / (time.perf_counter() - begun)
    with capsys.disabled():
        print(f"\nprojector: {count} events from Kafka into PostgreSQL at {rate:,.0f} events/s")
