"""The projector process stops at a missing event, at another log and at an absent server, and says why."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from projector.write.writer import Writer
from runtime.settings import Settings
from stack.ports import free_ports
from tests.postgres.tables_content import content
from tests.postgres.test_process import Publisher, SettingsFactory, projected, projector, wait_until
from tests.projector.streams import busy_exchange


def test_a_missing_event_stops_the_projector_with_shard_offset_and_remedy(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(24, rounds=10)
    publisher = Publisher(own, exchange)
    values = exchange.values[1]
    publisher.send(1, values[:20], commit=True)
    with projector(own, tmp_path / "output") as process:
        wait_until(lambda: projected(engine) == 20, "the first twenty")
        publisher.send(1, values[21:30], commit=True)
        assert process.wait(20) != 0
    assert projected(engine) == 20
    # Twenty events and the mark of their transaction stand before it.
    assert b"Shard 1, offset 21: event 22 where 21 comes next" in (tmp_path / "output").read_bytes()


def test_a_wiped_log_stops_the_projector_as_another_log(
    engine: Engine, database_url: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    own = settings(database_url=database_url)
    exchange = busy_exchange(25, rounds=10)
    Writer(engine, exchange.shards).write(exchange.entries())
    before = content(engine)
    with projector(own, tmp_path / "output") as process:
        assert process.wait(20) != 0
    assert b"another log" in (tmp_path / "output").read_bytes()
    assert content(engine) == before


@pytest.mark.slow
@pytest.mark.parametrize("server", ["PostgreSQL", "Kafka"])
def test_an_absent_server_ends_the_projector_after_half_a_minute_with_the_server_s_name(
    engine: Engine, database_url: str, kafka: str, tmp_path: Path, server: str
) -> None:
    port, pages = free_ports(2)
    nobody = f"127.0.0.1:{port}"
    own = Settings.model_validate(
        {
            "kafka_brokers": nobody if server == "Kafka" else kafka,
            "database_url": f"postgresql+psycopg://postgres@{nobody}/none" if server == "PostgreSQL" else database_url,
            "projector_port": pages,
        }
    )
    with projector(own, tmp_path / "output") as process:
        assert process.wait(90) == 1
    assert f"{server} did not answer for 30 s".encode() in (tmp_path / "output").read_bytes()
