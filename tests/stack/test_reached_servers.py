"""A command reaches the servers that are set by hand, or those of the instance that runs, and never a mixture."""

from pathlib import Path

import pytest

from cli.context import KAFKA_ONLY, reachable_settings
from cli.main import call
from runtime.errors import FixableError
from stack import supervisor
from stack.instance import Instance, InstanceFolder

OWN_DATABASE = "postgresql+psycopg://reprise:secret@127.0.0.1:5001/reprise"
OTHER_DATABASE = "postgresql+psycopg://reprise:secret@127.0.0.1:5002/other"
OWN_BROKER, OTHER_BROKER = "127.0.0.1:5003", "127.0.0.1:5004"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an instance that seems to run."""
    for name in ("KAFKA_BROKERS", "DATABASE_URL", "REPRISE_DATA"):
        monkeypatch.delenv(name, raising=False)
    folder = InstanceFolder(tmp_path / "data")
    folder.make()
    folder.write(
        Instance(
            api_port=5000,
            engine_ports=[5005],
            market_data_port=5006,
            projector_port=5007,
            kafka_brokers=OWN_BROKER,
            kafka_port=5003,
            database_url=OWN_DATABASE,
            postgres_port=5001,
            shards=4,
            feed="simulated",
            started_at="2026-01-31T12:00:00+00:00",
        )
    )
    monkeypatch.setattr(supervisor, "is_running", lambda _: True)
    return folder.data


def test_servers_set_by_hand_or_those_of_the_instance_are_reached(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = reachable_settings(data)
    assert (reached.kafka_brokers, reached.database_url) == (OWN_BROKER, OWN_DATABASE)
    monkeypatch.setenv("DATABASE_URL", OWN_DATABASE)
    assert reachable_settings(data).kafka_brokers == OWN_BROKER
    monkeypatch.setenv("DATABASE_URL", OTHER_DATABASE)
    monkeypatch.setenv("KAFKA_BROKERS", OTHER_BROKER)
    reached = reachable_settings(data)
    assert (reached.kafka_brokers, reached.database_url) == (OTHER_BROKER, OTHER_DATABASE)


@pytest.mark.parametrize(
    ("name", "other", "own"),
    [
        ("DATABASE_URL", OTHER_DATABASE, "postgresql+psycopg://reprise:***@127.0.0.1:5001/reprise"),
        ("KAFKA_BROKERS", OTHER_BROKER, OWN_BROKER),
    ],
)
def test_one_server_set_by_hand_that_is_not_the_instance_s_is_refused(
    name: str, other: str, own: str, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, other)
    assert call(["user", "add", "ada@example.com", "--data", str(data)]) == 1
    assert capsys.readouterr().err == (
        f"reprise: {name} names another server than the one of the instance in {data}, which is {own}. Leave it out "
        "for the instance, or set DATABASE_URL and KAFKA_BROKERS for other servers.\n"
    )


def test_a_command_that_reads_the_log_alone_goes_by_no_database(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", OTHER_DATABASE)
    assert reachable_settings(data, KAFKA_ONLY).kafka_brokers == OWN_BROKER
    with pytest.raises(FixableError, match="DATABASE_URL names another server"):
        reachable_settings(data)
