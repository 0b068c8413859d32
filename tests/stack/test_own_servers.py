"""A server of an instance whose port another program takes gets another port, and no other server passes for it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.errors import FixableError
from stack import supervisor
from stack.access import ADMIN, login
from stack.instance import Instance, InstanceFolder
from stack.kafka import cluster_id, require_own_broker
from stack.own_servers import PORT_TAKEN, OwnServers
from stack.passwords import passwords_of
from stack.patience import OtherServer
from stack.ports import LOOPBACK, PortClaims, free_ports
from stack.postgres import database_url, wait_for_postgres
from stack.postgres_roles import ROLES
from stack.programs import INSTANCE_VARIABLE
from tests.processes import eventually

TIMEOUT_S = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[InstanceFolder]:
    tmp_path.chmod(0o755)
    made = InstanceFolder(tmp_path / "data")
    made.make()
    yield made
    supervisor.stop(made, print)


def described(
    *, kafka_port: int | None = None, postgres_port: int | None = None, passwords: dict[str, str] | None = None
) -> Instance:
    return Instance(
        api_port=1,
        engine_ports=[],
        market_data_port=2,
        projector_port=3,
        kafka_brokers=f"{LOOPBACK}:{kafka_port}",
        kafka_port=kafka_port,
        database_url=database_url(postgres_port or 5432, passwords or dict.fromkeys(ROLES, "")),
        postgres_port=postgres_port,
        shards=1,
        feed="simulated",
        started_at="2026-01-31T12:00:00+00:00",
    )


def test_a_database_whose_port_is_taken_meanwhile_gets_another(folder: InstanceFolder) -> None:
    with socket.create_server((LOOPBACK, 0)) as other, PortClaims() as claims:
        port = other.getsockname()[1]
        passwords = passwords_of(folder)
        own = OwnServers(folder, described(postgres_port=port, passwords=passwords), claims, None, print)
        manager = supervisor.start(folder, own.programs, {INSTANCE_VARIABLE: str(folder.data)}, detach=True)
        own.wait_for_postgres()
        found = own.instance.postgres_port
        assert found not in {None, port}
        url = database_url(found or 0, passwords)
        assert own.instance.database_url == url
        assert folder.read() == own.instance
        for _ in range(30):  # A server that root started is known by a process that ends with its connection.
            wait_for_postgres(url, lambda: True, folder=folder.postgres)
        supervisor.stop(folder, print)
        manager.wait(TIMEOUT_S)


def test_a_database_of_another_folder_does_not_pass_for_the_instance_s_own(postgres: str, tmp_path: Path) -> None:
    wait_for_postgres(postgres, lambda: True)
    with pytest.raises(OtherServer, match="another one answers, of /"):
        wait_for_postgres(postgres, lambda: True, folder=tmp_path)
    unknown = postgres.replace("://postgres:", "://postgres:not-")
    with pytest.raises(OtherServer, match="Another PostgreSQL answers"):
        wait_for_postgres(unknown, lambda: True, folder=tmp_path)


def test_a_broker_of_another_cluster_does_not_pass_for_the_instance_s_own(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "meta.properties").write_text(
        "version=1\ncluster.id=5L6g3nShT-eMCtK--X86sw\n", encoding="utf-8"
    )
    assert cluster_id(tmp_path) == "5L6g3nShT-eMCtK--X86sw"
    with pytest.raises(OtherServer, match="the Kafka of another cluster answers"):
        require_own_broker(int(kafka.rpartition(":")[2]), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_broker_whose_port_another_broker_took_gets_another_unless_its_clients_know_that_one(
    is_kept: bool, kafka: str, folder: InstanceFolder
) -> None:
    taken = int(kafka.rpartition(":")[2])
    lost = FixableError(f"Port {taken} is taken.") if is_kept else None
    with PortClaims() as claims:
        own = OwnServers(folder, described(kafka_port=taken), claims, lost, print)
        manager = supervisor.start(folder, own.programs, {INSTANCE_VARIABLE: str(folder.data)}, detach=True)
        if is_kept:
            with pytest.raises(FixableError, match=f"^Port {taken} is taken"):
                own.wait_for_kafka()
        else:
            own.wait_for_kafka()
            assert own.instance.kafka_port not in {None, taken}
            assert own.environment == {"KAFKA_BROKERS": f"{LOOPBACK}:{own.instance.kafka_port}"}
            password = passwords_of(folder)[ADMIN]
            require_own_broker(own.instance.kafka_port or 0, folder.kafka, login(ADMIN, password))
        supervisor.stop(folder, print)
        manager.wait(TIMEOUT_S)


@pytest.mark.slow
def test_a_broker_that_found_its_port_taken_before_anybody_looked_is_stopped_and_the_port_is_named(
    folder: InstanceFolder,
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other, PortClaims() as claims:
        port = other.getsockname()[1]
        lost = FixableError(f"Port {port} is taken.")
        own = OwnServers(folder, described(kafka_port=port), claims, lost, print)
        manager = supervisor.start(folder, own.programs, {INSTANCE_VARIABLE: str(folder.data)}, detach=True)
        log = folder.log_of("kafka")
        eventually(lambda: PORT_TAKEN in (log.read_bytes() if log.exists() else b""), bool)
        with pytest.raises(FixableError, match=f"^Port {port} is taken"):
            own.wait_for_kafka()
        supervisor.stop(folder, print)
        manager.wait(TIMEOUT_S)


def test_a_program_that_does_not_listen_on_a_port_is_not_taken_for_its_owner(folder: InstanceFolder) -> None:
    (port,) = free_ports(1)
    assert not supervisor.listens(folder, "api", port)
