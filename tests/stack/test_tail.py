"""Tail begins where it is told to, and a command that meets a silent broker says so soon, with what can be done."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.log import cluster
from cli import kafka
from cli.main import call
from runtime.python import reprise_command
from runtime.settings import Settings
from stack.ports import LOOPBACK
from tests.conftest import SettingsFactory
from tests.kafka.workers import Client

SOON_S = 8.0


@pytest.fixture
def ledger(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over empty topics of two shards, in the environment too."""
    made = settings(shards=2)
    monkeypatch.setenv("KAFKA_BROKERS", made.kafka_brokers)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    return made


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A broker that is frozen takes a connection and says nothing."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        address = f"{LOOPBACK}:{listening.getsockname()[1]}"
        monkeypatch.setenv("KAFKA_BROKERS", address)
        monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        yield address


def places_in(text: str) -> list[tuple[int, int]]:
    return sorted((record["partition"], record["offset"]) for record in map(json.loads, text.splitlines()))


def test_an_offset_behind_the_end_of_every_partition_shows_no_record(
    ledger: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    Client(ledger).append(0, [b"0", b"1", b"2"])
    for offset in ("4", "99999999", "9" * 30):
        assert call(["tail", "commands", "--from", offset, "--once"]) == 0
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.splitlines() == [
            f"exchange.commands/0 ends at 3, before --from {offset}.",
            f"exchange.commands/1 ends at 0, before --from {offset}.",
        ]


def test_an_offset_behind_the_end_of_one_partition_shows_the_records_of_the_others(
    ledger: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(ledger)
    client.append(0, [b"0", b"1", b"2"])
    client.append(1, [b"0"])
    assert call(["tail", "commands", "--from", "1", "--once"]) == 0
    said = capsys.readouterr()
    assert (places_in(said.out), said.err) == ([(0, 1), (0, 2)], "")
    assert call(["tail", "commands", "--from", "2", "--once"]) == 0
    said = capsys.readouterr()
    assert places_in(said.out) == [(0, 2)]
    assert said.err == "exchange.commands/1 ends at 1, before --from 2.\n"


def test_tail_waits_for_the_offset_it_begins_at_and_shows_nothing_that_comes_before(ledger: Settings) -> None:
    client = Client(ledger)
    client.append(0, [b"0"])
    command = [*reprise_command("tail", "commands"), "--from", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            assert process.stderr.readline() == "exchange.commands/0 ends at 1, before --from 2.\n"
            client.append(0, [b"1", b"2"])
            assert places_in(process.stdout.readline()) == [(0, 2)]
        finally:
            process.kill()


def test_a_missing_topic_is_made_by_the_command_that_is_named(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kafka, "TOPIC_OF", dict.fromkeys(kafka.TOPIC_OF, "exchange.none"))
    assert call(["tail", "events"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("reprise: exchange.none cannot be read: it does not exist. `")
    assert said.endswith("/reprise topics` makes it.\n")


@pytest.mark.parametrize(
    "command",
    [
        ["tail", "events"],
        ["audit", "verify", "--no-database"],
        ["audit", "at", "0", "--shard", "0"],
        ["audit", "explain", "0-1"],
        ["log", "export", "copy"],
        ["log", "accept-gap", "0", "1", "2"],
    ],
    ids=" ".join,
)
def test_a_command_says_in_one_line_that_the_broker_does_not_answer(
    command: list[str],
    silent_broker: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (cluster, kafka):
        monkeypatch.setattr(module, "FIRST_CONTACT_S", 0.5)
    assert call(command) == 1
    said = capsys.readouterr().err
    assert said.startswith("reprise: ")
    assert f"no Kafka broker answers at {silent_broker}. `" in said
    assert "/reprise status` shows what runs" in said
    assert "/reprise topics" not in said
    assert said.count("\n") == 1


def test_a_command_waits_only_some_seconds_for_a_broker_that_does_not_answer(silent_broker: str) -> None:
    for command in (["tail", "events"], ["audit", "verify", "--no-database"]):
        began = time.monotonic()
        assert call(command) == 1
        assert time.monotonic() - began < SOON_S
