"""Instances that start at the same moment each have their own broker, database and users; of one folder, one starts."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from runtime.python import python_command, reprise_command
from stack import supervisor
from stack.instance import InstanceFolder
from stack.kafka import cluster_id
from stack.ports import PortClaims, free_ports
from tests.processes import reprise

TIMEOUT_S = 600
ROUNDS = 10


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[list[Path]]:
    made = [tmp_path / name for name in ("one", "two")]
    yield made
    for data in made:
        supervisor.stop(InstanceFolder(data), print)


def test_a_port_is_claimed_once_until_the_claim_is_given_back() -> None:
    """A second process asks, as the kernel keeps the claims of a process apart from its own."""
    (port,) = free_ports(1)
    ask = ["-c", f"from stack.ports import PortClaims; print(PortClaims().claim({port}))"]
    with PortClaims() as claims:
        assert claims.claim(port)
        assert not claims.claim(port)
        assert asked(ask) == "False"
        assert claims.preferred(port) != port
    assert asked(ask) == "True"


def test_a_port_with_a_server_cannot_be_claimed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, PortClaims() as claims:
        assert not claims.claim(server.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(ROUNDS * TIMEOUT_S)
def test_two_starts_in_one_second_each_get_a_broker_a_database_and_users_of_their_own(folders: list[Path]) -> None:
    for number in range(ROUNDS):
        ports = free_ports(2)
        starts = [up(data, port) for data, port in zip(folders, ports, strict=True)]
        for start in starts:
            output, errors = start.communicate(timeout=TIMEOUT_S)
            assert start.returncode == 0, output + errors
        records = [InstanceFolder(data).read() for data in folders]
        assert None not in records
        assert len({record.kafka_port for record in records if record is not None}) == 2
        assert len({record.postgres_port for record in records if record is not None}) == 2
        assert len({cluster_id(InstanceFolder(data).kafka) for data in folders}) == 2
        for data, port in zip(folders, ports, strict=True):
            account = account_of_new_user(port, f"user{number}@{data.name}.example.com")
            assert account["balance"] == "5000.000000", account
            verdict = reprise("audit", "verify", "--data", data, timeout=TIMEOUT_S)
            assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        for data in folders:
            assert reprise("down", "--data", data, timeout=TIMEOUT_S).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_of_two_starts_of_one_folder_one_succeeds_and_the_other_prints_one_line(folders: list[Path]) -> None:
    data = folders[0]
    starts = [up(data, port) for port in free_ports(2)]
    ends = [(start.communicate(timeout=TIMEOUT_S)[1], start.returncode) for start in starts]
    assert sorted(code for _, code in ends) == [0, 1], ends
    ((said, _),) = [end for end in ends if end[1] == 1]
    assert said.count("\n") == 1
    assert "Another command is starting or stopping the instance" in said or "is running already" in said


def up(data: Path, port: int) -> "subprocess.Popen[str]":
    command = reprise_command("up", "--detach", "--data", str(data), "--port", str(port), "--feed", "simulated")
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def account_of_new_user(port: int, email: str) -> dict[str, Any]:
    credentials = {"email": email, "password": "correct horse battery"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30.0) as client:
        assert client.post("/auth/register", json=credentials).status_code == 201
        token = client.post("/auth/login", json=credentials).json()["access_token"]
        for attempt in Retrying(stop=stop_after_delay(TIMEOUT_S), wait=wait_fixed(0.5), reraise=True):
            with attempt:  # A slow machine says 503 for a while: its tables are behind.
                reply = client.get("/account", headers={"Authorization": f"Bearer {token}"})
                assert reply.status_code == 200, reply.text
        account: dict[str, Any] = reply.json()
        return account


def asked(arguments: list[str]) -> str:
    """What a program of ours prints."""
    ended = subprocess.run(python_command(*arguments), capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.strip()
