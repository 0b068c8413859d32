"""A live log, its export, and an engine's log of the import are identical, and the audit verifies each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Message
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from audit.log import cluster
from audit.log.cluster import open_cluster
from audit.log.compare_logs import compare
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.import_log import import_log
from audit.log.log_reader import LogUnreadable
from audit.verify.verify import VerifyRequest, verify
from bench._workload import accounts_of, opening_day, trading_day
from cli.main import call
from runtime.errors import FixableError
from runtime.kafka import LogRecord, admin_options
from runtime.settings import Settings
from schemas.topics import COMMANDS
from tests.conftest import SettingsFactory, empty_topics
from tests.kafka.workers import Client, clock, commands_in, engine, events_in, events_when, until_group_is_empty
from tests.processes import environment_of

COUNT = 1_500
SHARDS = (0, 1)


@pytest.fixture
def ledger(settings: SettingsFactory) -> Settings:
    """Settings over empty topics, with a snapshot twice a second."""
    made = settings(engine_worker_id=None, engine_snapshot_interval=500, shards=2)
    until_group_is_empty(made)
    return made


@pytest.fixture
def traded(ledger: Settings, tmp_path: Path) -> Settings:
    """The same after an engine executed a trading day in two shards, and stopped."""
    client = Client(ledger)
    for shard in SHARDS:
        accounts = accounts_of(shard, ledger.shards, 20)
        client.append(shard, [*opening_day(shard, accounts, clock), *trading_day(shard, accounts, COUNT, clock)])
    client.append(0, [b"no command"])
    run_engine(ledger, tmp_path / "engine.log")
    return ledger


def run_engine(ledger: Settings, output: Path) -> None:
    """Let a real engine execute what is there."""
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for shard in SHARDS:
            events_when(ledger, shard, len(commands_in(ledger, shard)))
        assert worker.stop() == 0, worker.log


def values(ledger: Settings) -> list[list[bytes]]:
    return [[record.value for record in events_in(ledger, shard)] for shard in SHARDS]


@pytest.mark.slow
def test_a_live_log_and_its_export_and_import_are_identical(traded: Settings, tmp_path: Path) -> None:
    live = open_cluster(traded)
    verdict = verify(live, VerifyRequest(live.held, processes=1))
    assert verdict.differences == []
    assert [shard.commands for shard in verdict.shards] == [len(commands_in(traded, shard)) for shard in SHARDS]
    assert all(shard.snapshots for shard in verdict.shards), "an engine that stops takes a last snapshot"
    assert verify(live, VerifyRequest(live.held, start="snapshot", processes=1)).agrees

    export_log(live, tmp_path / "copy", shard=None, to={})
    copy = FolderLog(tmp_path / "copy")
    assert compare(live, copy).agrees
    again = verify(copy, VerifyRequest(copy.held, processes=2))
    assert again.differences == []
    ends = [(shard.seq, shard.chain_digest, shard.ledger_digest) for shard in verdict.shards]
    assert [(shard.seq, shard.chain_digest, shard.ledger_digest) for shard in again.shards] == ends

    with pytest.raises(FixableError, match="is not empty"):
        import_log(copy, traded)
    before = values(traded)
    times = [record.timestamp_ms for record in commands_in(traded, 1)]
    empty_topics(traded)
    with pytest.raises(FixableError, match="ledger of 2 shards, and REPRISE_SHARDS says 3"):
        import_log(copy, traded.model_copy(update={"shards": 3}))
    assert import_log(copy, traded) == sum(shard.commands for shard in verdict.shards)
    assert [record.timestamp_ms for record in commands_in(traded, 1)] == times
    assert time_type(traded) == "LogAppendTime"
    until_group_is_empty(traded)
    run_engine(traded, tmp_path / "again.log")
    assert values(traded) == before
    assert compare(copy, open_cluster(traded)).agrees


def time_type(ledger: Settings) -> str | None:
    admin = AdminClient(admin_options(ledger))
    resource = ConfigResource(ResourceType.TOPIC, COMMANDS)
    found = admin.describe_configs([resource])[resource].result(timeout=10)["message.timestamp.type"].value
    return str(found)


def test_an_export_of_a_shard_with_two_ends_is_refused(
    ledger: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment_of(ledger).items():
        monkeypatch.setenv(name, value)
    Client(ledger).append(0, [b"one", b"two"])
    for ends, offset in ((["--to", "0:1", "--to", "0:2"], 2), (["--shard", "0", "--to", "1", "--to", "0:0"], 0)):
        assert call(["log", "export", str(tmp_path / "copy"), *ends]) == 1
        assert f"--to ends shard 0 at 1 and at {offset}; leave one of them." in capsys.readouterr().err
    assert call(["log", "export", str(tmp_path / "copy"), "--to", "0:1", "--to", "1:0", "--to", "0:1"]) == 0


def test_commands_not_executed_yet_are_pending_and_no_difference(ledger: Settings) -> None:
    Client(ledger).append(0, [b"one", b"two"])
    live = open_cluster(ledger)
    verdict = verify(live, VerifyRequest(live.held, processes=1))
    assert verdict.agrees
    assert [shard.pending_commands for shard in verdict.shards] == [2, 0]


def test_audit_verify_reads_the_live_log_and_requires_a_database_or_no_database(
    traded: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment_of(traded).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.chdir(tmp_path)
    assert call(["audit", "verify", "--data", str(tmp_path)]) == 1
    assert "DATABASE_URL" in capsys.readouterr().err
    assert call(["audit", "verify", "--no-database", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["agrees"], verdict["database"]) == (True, "not compared")
    assert call(["log", "export", str(tmp_path / "copy"), "--shard", "1", "--to", "700"]) == 0
    capsys.readouterr()
    assert call(["audit", "diff", "live", str(tmp_path / "copy"), "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert (compared["commands"], compared["goes_on"]) == (700, True)
    assert call(["audit", "at", "100", "--shard", "1", "--json"]) == 0
    (ledger,) = json.loads(capsys.readouterr().out)
    assert ledger["next_offset"] == 101


class ScriptedConsumer:
    """A fake consumer: gives the set messages, one at a time, and then none."""

    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)

    def consume(self, count: int, timeout: float) -> list[Message]:
        del count, timeout
        return [self._messages.pop(0)] if self._messages else []


def record(offset: int) -> Message:
    return Message(offset=offset, value=b"value", timestamp=(1, 1_000))


def mark(offset: int) -> Message:
    return Message(offset=offset, error=KafkaError(KafkaError._PARTITION_EOF))


def read(*messages: Message, end: int) -> list[int]:
    consumer: Any = ScriptedConsumer(*messages)
    return offsets(cluster._batches(consumer, "commands/0", 0, end))


def test_an_end_mark_before_the_end_that_was_read_first_does_not_end_reading() -> None:
    assert read(mark(0), record(0), mark(1), record(1), record(2), mark(4), record(4), end=4) == [0, 1, 2]
    with pytest.raises(LogUnreadable, match="from offset 1 on, and ends at 4") as early:
        read(record(0), mark(1), end=4)
    assert early.value.offset == 1


def test_records_beyond_the_end_that_was_read_first_are_ignored() -> None:
    broken = Message(offset=2, error=KafkaError(KafkaError._BAD_MSG, "its checksum is another"))
    assert read(record(0), record(1), broken, end=2) == [0, 1]
    with pytest.raises(LogUnreadable, match="from offset 2 on: its checksum is another") as unreadable:
        read(record(0), record(1), broken, end=3)
    assert unreadable.value.offset == 2


def offsets(records: Iterator[list[LogRecord]]) -> list[int]:
    return [record.offset for batch in records for record in batch]


def test_reading_begins_at_an_offset_and_ends_at_the_end_of_the_log_when_opened(ledger: Settings) -> None:
    client = Client(ledger)
    client.append(0, [b"%d" % number for number in range(50)])
    live = open_cluster(ledger)
    client.append(0, [b"later"])
    assert offsets(live.commands(0, 0)) == list(range(50))
    assert offsets(live.commands(0, 45)) == list(range(45, 50))
    assert offsets(live.commands(0, 50)) == offsets(live.events(0, 0)) == offsets(live.snapshots(1)) == []
