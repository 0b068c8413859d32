"""A foreign transaction among the commands stops its shard, until an operator accepts the gap that it left."""

import time
from itertools import chain
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from audit.log.cluster import open_cluster
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.import_log import import_log
from audit.verify.verify import VerifyRequest, verify
from bench._workload import accounts_of, opening_day, trading_day
from cli.main import call
from runtime.errors import FixableError
from runtime.kafka import admin_options, end_offsets, transactional_producer_options
from runtime.settings import Settings
from schemas.codec import decode_event, encode_command
from schemas.commands import Deposit
from schemas.events import OffsetGapAccepted
from schemas.topics import COMMANDS
from tests.activating import activate
from tests.conftest import SettingsFactory, empty_topics
from tests.kafka.workers import Client, clock, engine, events_in, until_group_is_empty
from tests.processes import environment_of

SHARD = 0


@pytest.fixture
def ledger(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings over empty topics, which the commands of the CLI have too; a snapshot twice a second."""
    made = settings(engine_worker_id=None, engine_snapshot_interval=500, shards=1)
    until_group_is_empty(made)
    for name, value in environment_of(made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return made


def append_in_transactions(ledger: Settings, *names: str) -> tuple[int, int]:
    """A command from each of some foreign producers, whose transactions are then aborted; the offsets they waste."""
    first = end_offsets(ledger, COMMANDS)[SHARD] + len(names)
    producers = [Producer(transactional_producer_options(ledger, name)) for name in names]
    for producer in producers:
        producer.init_transactions(15)
        producer.begin_transaction()
        value = encode_command(Deposit(command_id="foreign", account_id="nobody", amount=1))
        producer.produce(COMMANDS, value, partition=SHARD)
        assert producer.flush(15) == 0
    for producer in producers:
        producer.abort_transaction(15)
    while end_offsets(ledger, COMMANDS)[SHARD] < first + len(names):
        time.sleep(0.01)  # The broker answers before it writes the mark.
    return first, first + len(names) - 1


def test_a_shard_goes_on_over_a_gap_that_an_operator_accepted_and_every_copy_of_its_log_agrees(
    ledger: Settings, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 4)
    client.append(SHARD, [activate(shard=SHARD), *opening_day(SHARD, accounts, clock)])
    with engine(ledger, tmp_path / "engine.log") as worker:
        worker.until_live(ledger.shards)
        first, last = append_in_transactions(ledger, "somebody", "somebody-else")
        client.append(SHARD, trading_day(SHARD, accounts, 600, clock))
        worker.until(lambda shards: shards[SHARD]["state"] == "frozen", "the shard stops before the gap")
        assert f"reprise log accept-gap {SHARD} {first} {last}" in worker.shards()[SHARD]["error"]

    assert call(["log", "accept-gap", str(SHARD), str(first), str(first)]) == 1
    assert f"has its next gap at {first} to {last}: nothing was appended" in capsys.readouterr().err
    assert call(["log", "accept-gap", str(SHARD), str(first), str(last)]) == 0
    assert "Restart the engine" in capsys.readouterr().out
    assert call(["log", "accept-gap", str(SHARD), str(first), str(last)]) == 1
    assert "accepted already" in capsys.readouterr().err

    until_group_is_empty(ledger)
    with engine(ledger, tmp_path / "again.log") as worker:
        worker.until_live(ledger.shards)
        assert worker.shards()[SHARD]["next_offset"] == last + 602
        assert worker.stop() == 0
    events = events_in(ledger, SHARD)
    accepted = [event for record in events if isinstance(event := decode_event(record.value), OffsetGapAccepted)]
    assert [(event.first_offset, event.last_offset) for event in accepted] == [(first, last)]

    live = open_cluster(ledger)
    verdict = verify(live, VerifyRequest(live.held, processes=1))
    assert verdict.differences == []
    export_log(live, tmp_path / "copy", shard=None, to={})
    copy = FolderLog(tmp_path / "copy")
    assert verify(copy, VerifyRequest(copy.held, processes=1)).differences == []
    commands = list(chain.from_iterable(live.commands(SHARD, 0)))
    empty_topics(ledger)
    until_group_is_empty(ledger)
    import_log(copy, ledger)
    assert list(chain.from_iterable(open_cluster(ledger).commands(SHARD, 0))) == commands, "the gap is where it was"
    with engine(ledger, tmp_path / "imported.log") as worker:
        worker.until_live(ledger.shards)
        assert worker.stop() == 0
    assert [record.value for record in events_in(ledger, SHARD)] == [record.value for record in events]


def test_a_gap_that_nothing_accepts_ends_an_audit_and_an_import_and_rules_without_acceptance_are_named(
    ledger: Settings, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 1)
    with engine(ledger, tmp_path / "engine.log") as worker:
        client.append(SHARD, opening_day(SHARD, accounts, clock))
        worker.until_live(ledger.shards)
        first, last = append_in_transactions(ledger, "somebody")
        client.append(SHARD, trading_day(SHARD, accounts, 10, clock))
        worker.until(lambda shards: shards[SHARD]["state"] == "frozen", "the shard stops before the gap")
    live = open_cluster(ledger)
    export_log(live, tmp_path / "copy", shard=None, to={})
    with pytest.raises(FixableError, match=f"shard {SHARD} has no record at offset {first}, and no command"):
        import_log(FolderLog(tmp_path / "copy"), ledger)
    assert verify(live, VerifyRequest(live.held, processes=1)).agrees, "what is behind a gap was never executed"

    assert call(["log", "accept-gap", str(SHARD), str(first), str(last)]) == 1
    assert "goes by version 1 of the rules" in capsys.readouterr().err
    client.append(SHARD, [activate(shard=SHARD)])
    assert call(["log", "accept-gap", str(SHARD), str(first), str(last)]) == 0
    until_group_is_empty(ledger)
    with engine(ledger, tmp_path / "again.log") as worker:
        worker.until_live(ledger.shards)
        assert worker.stop() == 0
    live = open_cluster(ledger)
    assert verify(live, VerifyRequest(live.held, processes=1)).differences == []


def test_no_gap_is_accepted_behind_the_end_of_a_log_nor_in_a_beginning_that_was_deleted(
    ledger: Settings, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(first: int, last: int) -> str:
        assert call(["log", "accept-gap", str(SHARD), str(first), str(last)]) == 1
        assert end_offsets(ledger, COMMANDS)[SHARD] == end, "nothing was appended"
        return capsys.readouterr().err

    end = 0
    assert "has no offset gap there: it has no commands" in refusal(0, 0)
    client.append(SHARD, opening_day(SHARD, accounts_of(SHARD, ledger.shards, 1), clock))
    end = end_offsets(ledger, COMMANDS)[SHARD]
    for first, last in ((end, end), (99_999_999, 99_999_999), (0, 99_999_999), (99_999_999, 0)):
        assert f"has no offset gap there: its commands end at offset {end - 1}" in refusal(first, last)
    assert "has no offset gap there: nothing was appended" in refusal(0, 0)
    beginning = TopicPartition(COMMANDS, SHARD, 2)
    admin = AdminClient(admin_options(ledger))
    admin.delete_records([beginning])[beginning].result(timeout=60)
    for last in (0, 1, end - 1):
        assert f"The beginning of shard {SHARD}, up to offset 1, was deleted" in refusal(0, last)
    assert "has no offset gap there: nothing was appended" in refusal(2, 2)
