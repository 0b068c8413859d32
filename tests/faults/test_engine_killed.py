"""An engine killed at random moments writes the event log of an undisturbed engine."""

import random
import threading
import time
from pathlib import Path

import pytest

from bench._workload import accounts_of, opening_day, trading_day
from runtime.settings import Settings
from tests.kafka.workers import Client, clock, commands_in, engine, events_when, executed_in_process

pytestmark = pytest.mark.slow

SHARDS = (0, 3)
COMMANDS_A_TURN = 20


class Load(threading.Thread):
    """Commands for two shards, until stopped."""

    def __init__(self, ledger: Settings, client: Client) -> None:
        super().__init__(daemon=True)
        self.appended = 0
        self._client = client
        self._ended = threading.Event()
        accounts = {shard: accounts_of(shard, ledger.shards, 50) for shard in SHARDS}
        self._days = {shard: trading_day(shard, accounts[shard], 10**6, clock) for shard in SHARDS}
        for shard in SHARDS:
            client.append(shard, opening_day(shard, accounts[shard], clock))

    def run(self) -> None:
        while not self._ended.wait(0.005):
            for shard, day in self._days.items():
                self._client.append(shard, [next(day) for _ in range(COMMANDS_A_TURN)])
            self.appended += COMMANDS_A_TURN

    def end(self) -> None:
        self._ended.set()
        self.join(60)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kills", [5])
def test_the_event_log_after_kills_is_byte_for_byte_the_log_of_an_undisturbed_run(
    ledger: Settings, client: Client, output: Path, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    load = Load(ledger, client)
    load.start()
    seqs = [0]
    for _ in range(kills):
        with engine(ledger, output) as worker:
            shards = worker.until(
                lambda shards: shards.get(0, {}).get("seq", 0) > seqs[-1] + 50 and shards[0]["state"] == "live",
                "it executes more than the one before",
            )
            seqs.append(shards[0]["seq"])
            time.sleep(dice.uniform(0, 0.3))
            worker.kill()
    load.end()
    assert load.appended > kills * COMMANDS_A_TURN
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for shard in SHARDS:
            expected = executed_in_process(shard, ledger.shards, commands_in(ledger, shard))
            values = [record.value for record in events_when(ledger, shard, len(expected))]
            assert values == expected
        assert worker.stop() == 0, worker.log


@pytest.mark.timeout(400)
def test_a_worker_killed_during_replay_replays_again_and_emits_no_event_twice(
    ledger: Settings, client: Client, output: Path
) -> None:
    accounts = accounts_of(0, ledger.shards, 100)
    client.append(0, opening_day(0, accounts, clock))
    client.append(0, trading_day(0, accounts, 30_000, clock))
    expected = executed_in_process(0, ledger.shards, commands_in(ledger, 0))
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        events_when(ledger, 0, len(expected))
        worker.kill()
    for _ in range(3):
        with engine(ledger, output) as worker:
            worker.until(lambda shards: 0 < shards.get(0, {}).get("percent", 0) < 100, "it replays")
            worker.kill()
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert [record.value for record in events_when(ledger, 0, len(expected))] == expected
