"""Workers share the shards, and a worker that lost a shard cannot write to it."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bench._workload import accounts_of, opening_day, trading_day
from engine.shell.group import SESSION_MS
from engine.shell.liveness import CANNOT_COMMIT, LOST_OWNERSHIP
from runtime.kafka import transactional_producer_options
from runtime.settings import Settings
from schemas.commands import Command
from tests.conftest import SettingsFactory
from tests.kafka.workers import Client, clock, commands_in, engine, events_when, executed_in_process

ACCOUNTS = 20
SHARD = 1


class Market:
    """A trading day in every shard, appended a piece at a time."""

    def __init__(self, ledger: Settings, client: Client) -> None:
        self.ledger = ledger
        self.client = client
        self.days = [self._day(shard) for shard in range(ledger.shards)]
        self.appended = 0

    def trade(self, count: int) -> None:
        """So many more commands for each shard."""
        for shard, day in enumerate(self.days):
            self.client.append(shard, [next(day) for _ in range(count)])
        self.appended += count

    def assert_nothing_lost_or_doubled(self) -> None:
        for shard in range(self.ledger.shards):
            expected = executed_in_process(shard, self.ledger.shards, commands_in(self.ledger, shard))
            assert [record.value for record in events_when(self.ledger, shard, len(expected))] == expected

    def _day(self, shard: int) -> Any:
        accounts = accounts_of(shard, self.ledger.shards, ACCOUNTS)
        commands: list[Command] = list(opening_day(shard, accounts, clock))
        yield from commands
        yield from trading_day(shard, accounts, 100_000, clock)


def test_a_second_worker_takes_half_the_shards_and_gives_its_shards_back(
    ledger: Settings, settings: SettingsFactory, client: Client, tmp_path: Path
) -> None:
    market = Market(ledger, client)
    with engine(ledger, tmp_path / "first.log") as first:
        first.until_live(4)
        market.trade(100)
        with engine(settings(), tmp_path / "second.log") as second:
            second.until_live(2)
            first.until_live(2)
            assert set(first.shards()).isdisjoint(second.shards())
            market.trade(100)
            market.assert_nothing_lost_or_doubled()
            assert first.stop() == 0, first.log
            second.until_live(4)
            market.trade(100)
            market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_shards_move_under_load_and_no_event_is_lost_or_doubled(
    ledger: Settings, settings: SettingsFactory, client: Client, tmp_path: Path
) -> None:
    market = Market(ledger, client)
    with engine(ledger, tmp_path / "first.log") as first:
        first.until_live(4)
        for turn in range(3):
            with engine(settings(), tmp_path / f"second-{turn}.log") as second:
                while not second.shards() or any(shard["state"] != "live" for shard in second.shards().values()):
                    market.trade(5)
                assert second.stop() == 0, second.log
            market.trade(10)
        market.assert_nothing_lost_or_doubled()
        assert first.stop() == 0, first.log


@pytest.mark.slow
def test_a_restarted_worker_with_an_instance_id_has_its_shards_back_at_once(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    named = settings(engine_worker_id="worker-1")
    market = Market(named, Client(named))
    with engine(named, tmp_path / "first.log") as first:
        first.until_live(4)
        market.trade(20)
        first.kill()
    with engine(named, tmp_path / "second.log") as second:
        second.until_live(4)
        (started,), (assigned, *_) = second.logged("engine started"), second.logged("shards assigned")
        assert (assigned["at"] - started["at"]).total_seconds() < 2, "it does not wait for the session of 6 s"
        market.trade(20)
        market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_the_shards_of_a_stopped_worker_with_an_instance_id_move_after_the_session(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    one, two = settings(engine_worker_id="worker-1"), settings(engine_worker_id="worker-2")
    market = Market(one, Client(one))
    with engine(one, tmp_path / "first.log") as first, engine(two, tmp_path / "second.log") as second:
        first.until_live(2)
        second.until_live(2)
        market.trade(20)
        assert first.stop() == 0, first.log
        assert len(second.shards()) == 2, "its place is kept for the session"
        second.until_live(4)
        market.trade(20)
        market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_a_paused_owner_is_taken_over_and_exits_when_woken(
    ledger: Settings, settings: SettingsFactory, client: Client, tmp_path: Path
) -> None:
    market = Market(ledger, client)
    with engine(ledger, tmp_path / "first.log") as first, engine(settings(), tmp_path / "second.log") as second:
        first.until_live(2)
        second.until_live(2)
        market.trade(50)
        first.send(signal.SIGSTOP)
        stopped_at = time.monotonic()
        market.trade(50)
        second.until_live(4)
        market.trade(50)
        time.sleep(max(0.0, stopped_at + 1.2 * SESSION_MS / 1_000 - time.monotonic()))
        first.send(signal.SIGCONT)
        assert first.process.wait(10) == LOST_OWNERSHIP, first.log
        assert "paused for longer than the group's session" in first.log
        market.trade(50)
        market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_a_worker_exits_when_another_takes_its_instance_id(settings: SettingsFactory, tmp_path: Path) -> None:
    named, twin = settings(engine_worker_id="worker-1"), settings(engine_worker_id="worker-1")
    market = Market(named, Client(named))
    with engine(named, tmp_path / "first.log") as first:
        first.until_live(4)
        market.trade(20)
        with engine(twin, tmp_path / "second.log") as second:
            second.until_live(4)
            assert first.process.wait(15) in {LOST_OWNERSHIP, CANNOT_COMMIT}, first.log
            market.trade(20)
            market.assert_nothing_lost_or_doubled()


def test_a_fenced_owner_exits_and_its_successor_executes_the_uncommitted_commands(
    ledger: Settings, client: Client, tmp_path: Path
) -> None:
    market = Market(ledger, client)
    with engine(ledger, tmp_path / "first.log") as first:
        first.until_live(4)
        market.trade(20)
        market.assert_nothing_lost_or_doubled()
        fence(ledger, SHARD)
        market.trade(20)
        assert first.process.wait(10) == CANNOT_COMMIT, first.log
        assert "a transaction failed" in first.log
    with engine(ledger, tmp_path / "second.log") as second:
        second.until_live(4)
        market.assert_nothing_lost_or_doubled()


def fence(ledger: Settings, shard: int) -> None:
    """What a new owner does first."""
    Producer(transactional_producer_options(ledger, f"engine-{shard}")).init_transactions(15)
