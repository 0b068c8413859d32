"""A shard that cannot go on freezes alone, with its reason, and never emits."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bench._workload import accounts_of, opening_day, trading_day
from runtime.kafka import admin_options, end_offsets, transactional_producer_options
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import encode_command
from schemas.commands import Deposit
from schemas.topics import COMMANDS
from tests.kafka.workers import (
    Client,
    EngineProcess,
    clock,
    commands_in,
    engine,
    events_in,
    events_when,
    executed_in_process,
)

SHARD = 1
OTHER = 2
# The first prices hold three ticks: three events more than commands.
BEFORE_THE_DEFECT = 43
# The worker's own main, with a core that has a defect at one offset of one shard.
DEFECTIVE = """
from engine.core.step import step
from engine.shell.main import run
from runtime.settings import Settings

def defective(state, command, *, offset, time):
    if (state.shard, offset) == (1, 40):
        raise ZeroDivisionError("planted")
    return step(state, command, offset=offset, time=time)

run(Settings(), defective)
"""


def test_a_core_that_raises_freezes_its_shard_and_mended_code_continues(
    ledger: Settings, client: Client, output: Path
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 100, clock))
    expected = executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))
    with engine(ledger, output, DEFECTIVE) as worker:
        frozen = until_frozen(worker)
        assert frozen["next_offset"] == 40
        assert "planted" in frozen["error"]
        code, why = worker.page("/readyz")
        assert code == 503
        assert "planted" in json.loads(why)["why"]
        assert worker.page("/healthz")[0] == 200
        values = [record.value for record in events_when(ledger, SHARD, BEFORE_THE_DEFECT)]
        assert values == expected[:BEFORE_THE_DEFECT], "the events of the commands before it are committed"
        assert_that_another_shard_executes(ledger, client)
        assert worker.stop() == 0
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        values = [record.value for record in events_when(ledger, SHARD, len(expected))]
        assert values == expected


@pytest.mark.slow
def test_a_frozen_shard_freezes_at_the_same_command_after_a_restart(
    ledger: Settings, client: Client, output: Path
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 100, clock))
    for _ in range(2):
        with engine(ledger, output, DEFECTIVE) as worker:
            assert until_frozen(worker)["next_offset"] == 40
            assert len(events_when(ledger, SHARD, BEFORE_THE_DEFECT)) == BEFORE_THE_DEFECT
            assert worker.stop() == 0


@pytest.mark.slow
def test_commands_that_end_before_the_committed_events_freeze_the_shard(
    ledger: Settings, client: Client, output: Path
) -> None:
    before = executed_by_a_worker(ledger, client, output, 50)
    kept = [record.value for record in commands_in(ledger, SHARD)][:30]
    recreate_commands(ledger)
    client.append(SHARD, kept)
    with engine(ledger, output) as worker:
        frozen = until_frozen(worker)
        assert "commands are missing" in frozen["error"]
        assert frozen["watermark"] == len(before)
        assert_that_another_shard_executes(ledger, client)
    assert events_in(ledger, SHARD) == before


@pytest.mark.slow
def test_commands_whose_replay_gives_other_events_freeze_the_shard(
    ledger: Settings, client: Client, output: Path
) -> None:
    before = executed_by_a_worker(ledger, client, output, 50)
    recreate_commands(ledger)
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 200, clock, seed=2))
    with engine(ledger, output) as worker:
        frozen = until_frozen(worker)
        assert "replay came to another ledger" in frozen["error"]
        assert_that_another_shard_executes(ledger, client)
    assert events_in(ledger, SHARD) == before


def test_an_offset_gap_in_the_log_freezes_the_shard_before_the_gap(
    ledger: Settings, client: Client, output: Path
) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        append_in_a_transaction(ledger, client)
        client.append(SHARD, [deposit("after the gap")])
        frozen = until_frozen(worker)
        assert frozen["next_offset"] == 2
        assert f"{COMMANDS}: shard {SHARD} has no record at offset 2, and the log goes on from 3" in frozen["error"]
        assert "reprise tail commands --from 0" in frozen["error"]
        assert f"reprise log accept-gap {SHARD} 2 2" in frozen["error"]
        assert len(events_when(ledger, SHARD, 2)) == 2, "what came before it is executed"
        assert_that_another_shard_executes(ledger, client)


def test_an_offset_gap_at_the_end_of_the_log_freezes_a_recovery(ledger: Settings, client: Client, output: Path) -> None:
    append_in_a_transaction(ledger, client)
    with engine(ledger, output) as worker:
        frozen = until_frozen(worker)
        assert f"shard {SHARD} has no record at offset 2, and the log goes on from 3" in frozen["error"]


def until_frozen(worker: EngineProcess) -> dict[str, Any]:
    """The shard, once it is frozen and the others are live."""
    shards = worker.until(
        lambda shards: (
            len(shards) == worker.settings.shards
            and all(shard["state"] == ("frozen" if number == SHARD else "live") for number, shard in shards.items())
        ),
        f"shard {SHARD} is frozen, and no other",
    )
    return shards[SHARD]


def assert_that_another_shard_executes(ledger: Settings, client: Client) -> None:
    accounts = accounts_of(OTHER, ledger.shards, 1)
    client.append(OTHER, opening_day(OTHER, accounts, clock))
    events_when(ledger, OTHER, 8)


def executed_by_a_worker(ledger: Settings, client: Client, output: Path, count: int) -> list[Any]:
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, count, clock))
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        events = events_when(ledger, SHARD, 9 + count)
        assert worker.stop() == 0
    return events


def recreate_commands(ledger: Settings) -> None:
    """The commands are lost, the events are not: what must never be taken for a new ledger."""
    admin = AdminClient(admin_options(ledger))
    admin.delete_topics([COMMANDS], operation_timeout=15)[COMMANDS].result(timeout=15)
    while COMMANDS in admin.list_topics(timeout=10).topics:
        time.sleep(0.02)
    ensure_topics(ledger)


def append_in_a_transaction(ledger: Settings, client: Client) -> None:
    """A command as it should be, and one whose transaction leaves a control record after it."""
    client.append(SHARD, [deposit("before")])
    producer = Producer(transactional_producer_options(ledger, "somebody-who-must-not"))
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(COMMANDS, encode_command(deposit("in a transaction")), partition=SHARD)
    producer.commit_transaction(15)
    while end_offsets(ledger, COMMANDS)[SHARD] < 3:
        time.sleep(0.01)  # The broker answers a commit before it writes the mark.


def deposit(command_id: str) -> Deposit:
    return Deposit(command_id=command_id, account_id="nobody", amount=1)
