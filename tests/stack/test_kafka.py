"""A broker of this machine starts, keeps what it was given, stops, and runs on no jar but the ones meant."""

import shutil
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from runtime.errors import FixableError
from stack.foreground import running
from stack.jars import cache_folders, fetch_jars, kafka_jars
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, accepts_connections, free_ports


def test_a_broker_starts_twice_on_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    port, controller_port = free_ports(2)
    clusters: set[str | None] = set()
    for _ in range(2):
        command = prepare_broker(tmp_path / "kafka", port, controller_port, print, small=True)
        with running(command, tmp_path / "output") as process:
            wait_for_broker(port, lambda: process.poll() is None)  # Called within its own round.
            clusters.add(AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}"}).list_topics(timeout=10).cluster_id)
        assert not psutil.pid_exists(process.pid)
        assert not accepts_connections(port)
    assert len(clusters) == 1


def test_a_broker_that_cannot_start_is_reported_at_once(tmp_path: Path) -> None:
    port, controller_port = free_ports(2)
    command = prepare_broker(tmp_path / "kafka", port, controller_port, print, small=True)
    (tmp_path / "kafka" / "server.properties").write_text("process.roles=nonsense\n")
    with running(command, tmp_path / "output") as process, pytest.raises(FixableError, match="Kafka stopped"):
        wait_for_broker(port, lambda: process.poll() is None)


def test_a_broker_listens_on_loopback_only(kafka: str) -> None:
    port = int(kafka.rpartition(":")[2])
    addresses = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
    }
    assert {address.removeprefix("::ffff:") for address in addresses} == {LOOPBACK}


def test_a_changed_jar_is_refused_by_name(tmp_path: Path) -> None:
    shutil.copytree(fetch_jars(cache_folders(), print)[0].parent, tmp_path / "jars")
    changed = tmp_path / "jars" / kafka_jars()[0].file_name
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(FixableError, match=r"is not the .* Reprise was tested with") as refusal:
        fetch_jars([tmp_path], print)
    assert str(changed) in str(refusal.value)


def test_every_jar_is_pinned_by_a_digest_and_named_once() -> None:
    jars = kafka_jars()
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert any(jar.coordinate.startswith("org.apache.kafka:kafka_2.13:4.") for jar in jars)


def test_the_jars_are_taken_from_a_cache_that_cannot_be_written_and_where_none_can_that_is_said(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    whole = cache_folders()[0]
    fetch_jars([whole], print)
    kept = {path.parent for path in fetch_jars([no_folder, whole, tmp_path / "last"], print)}
    assert kept == {whole / "jars"}
    assert not (tmp_path / "last").exists()
    with pytest.raises(FixableError, match=r"cannot be kept in .* Name another folder by REPRISE_CACHE"):
        fetch_jars([no_folder], print)
