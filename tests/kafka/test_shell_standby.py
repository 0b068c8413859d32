"""A standby executes its owner's commands without writing, and takes over when the owner dies, hangs or is silent."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from engine.shell.liveness import CANNOT_COMMIT, LOST_OWNERSHIP
from runtime.settings import Settings
from runtime.signals import PARTNER_IS_DEAD
from tests.conftest import SettingsFactory
from tests.kafka.test_shell_ownership import Market
from tests.kafka.workers import Client, EngineProcess, engine, events_in
from tests.processes import eventually

SHARDS = 4
# Why a standby took its owner's place, as it says itself.
TOLD = "the owner was reported dead"
SILENT = "shards have fallen silent while commands wait"


class Pair:
    """A worker and its standby, each with the address of the other."""

    def __init__(self, settings: SettingsFactory, folder: Path) -> None:
        first, second = settings(engine_worker_id="worker-1"), settings(engine_worker_id="worker-1")
        self.owner_settings = first.model_copy(update={"engine_partner": address_of(second)})
        self.standby_settings = second.model_copy(
            update={"engine_partner": address_of(first), "engine_standby": True, "data": folder / "standby"}
        )
        self.market = Market(first, Client(first))
        self.folder = folder


def address_of(settings: Settings) -> str:
    return f"127.0.0.1:{settings.engine_port}"


@contextmanager
def running(pair: Pair) -> Iterator[tuple[EngineProcess, EngineProcess]]:
    with ExitStack() as stack:
        owner = stack.enter_context(engine(pair.owner_settings, pair.folder / "owner.log"))
        owner.until_live(SHARDS)
        standby = stack.enter_context(engine(pair.standby_settings, pair.folder / "standby.log"))
        until_following(standby)
        yield owner, standby


def until_following(standby: EngineProcess) -> None:
    standby.until(
        lambda shards: len(shards) == SHARDS and all(shard["state"] == "following" for shard in shards.values()),
        "the standby follows every shard",
    )


def tell_of_death(standby: EngineProcess) -> None:
    """Signal the standby that its owner ended, and wait for its reaction: without waiting commands it is no silence."""
    before = len(standby.logged(TOLD))
    standby.send(PARTNER_IS_DEAD)
    eventually(lambda: len(standby.logged(TOLD)), lambda count: count == before + 1)


@pytest.mark.slow
def test_a_standby_writes_nothing_and_stays_outside_the_group(settings: SettingsFactory, tmp_path: Path) -> None:
    pair = Pair(settings, tmp_path)
    with running(pair) as (owner, standby):
        pair.market.trade(200)
        pair.market.assert_nothing_lost_or_doubled()
        standby.until(
            lambda shards: all(shard["seq"] == owner.shards()[number]["seq"] for number, shard in shards.items()),
            "the standby has executed what the owner has",
        )
        assert standby.status()["role"] == "standby"
        assert standby.status()["ready"]
        assert owner.status()["role"] == "owner"
        assert {shard["state"] for shard in owner.shards().values()} == {"live"}
        assert standby.stop() == 0, standby.log
        pair.market.trade(20)
        pair.market.assert_nothing_lost_or_doubled()


def test_a_standby_notified_of_the_owner_s_death_takes_over_at_once(settings: SettingsFactory, tmp_path: Path) -> None:
    pair = Pair(settings, tmp_path)
    with running(pair) as (owner, standby):
        pair.market.trade(200)
        pair.market.assert_nothing_lost_or_doubled()
        owner.kill()
        tell_of_death(standby)
        pair.market.trade(50)
        standby.until_live(SHARDS)
        assert standby.status()["role"] == "owner"
        pair.market.trade(50)
        pair.market.assert_nothing_lost_or_doubled()
        assert not standby.logged(SILENT)


@pytest.mark.slow
def test_a_standby_takes_over_when_commands_wait_and_the_owner_is_silent(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    pair = Pair(settings, tmp_path)
    with running(pair) as (owner, standby):
        pair.market.trade(100)
        pair.market.assert_nothing_lost_or_doubled()
        owner.kill()
        time.sleep(2.5)
        assert standby.status()["role"] == "standby", "nothing waits, so nobody is silent"
        pair.market.trade(20)
        standby.until_live(SHARDS)
        assert standby.logged(SILENT)
        assert not standby.logged(TOLD)
        pair.market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_a_hung_owner_is_replaced_and_exits_when_woken(settings: SettingsFactory, tmp_path: Path) -> None:
    pair = Pair(settings, tmp_path)
    with running(pair) as (owner, standby):
        pair.market.trade(100)
        owner.send(signal.SIGSTOP)
        pair.market.trade(100)
        standby.until_live(SHARDS)
        pair.market.trade(50)
        owner.send(signal.SIGCONT)
        assert owner.process.wait(15) in {LOST_OWNERSHIP, CANNOT_COMMIT}, owner.log
        pair.market.trade(50)
        pair.market.assert_nothing_lost_or_doubled()


@pytest.mark.slow
def test_a_returning_owner_becomes_the_standby_of_its_successor(settings: SettingsFactory, tmp_path: Path) -> None:
    pair = Pair(settings, tmp_path)
    with running(pair) as (first, second):
        for owner, standby in ((first, second), (second, first)):
            pair.market.trade(60)
            pair.market.assert_nothing_lost_or_doubled()
            owner.kill()
            tell_of_death(standby)
            standby.until_live(SHARDS)
            pair.market.trade(60)
            owner.restart()
            until_following(owner)
        pair.market.assert_nothing_lost_or_doubled()
        assert (first.status()["role"], second.status()["role"]) == ("owner", "standby")
        assert not first.logged(SILENT) + second.logged(SILENT)


@pytest.mark.slow
def test_a_standby_whose_ledger_differs_freezes_with_the_reason_and_the_owner_continues(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    pair = Pair(settings, tmp_path)
    with ExitStack() as stack:
        owner = stack.enter_context(engine(pair.owner_settings, tmp_path / "owner.log"))
        owner.until_live(SHARDS)
        standby = stack.enter_context(engine(pair.standby_settings, tmp_path / "standby.log", code=OFF_BY_ONE))
        until_following(standby)
        pair.market.trade(60)
        standby.until(
            lambda shards: all(
                shard["state"] == "frozen" and "replay came to another ledger" in shard["error"]
                for shard in shards.values()
            ),
            "the standby has seen that it differs",
        )
        pair.market.assert_nothing_lost_or_doubled()
        assert events_in(pair.owner_settings, 0)


OFF_BY_ONE = """
import msgspec
from engine.core.step import step
from engine.shell.main import run
from runtime.settings import Settings

def off_by_one(state, command, *, offset, time):
    events = step(state, command, offset=offset, time=time)
    return [msgspec.structs.replace(event, time=event.time + 1) for event in events]

run(Settings(), off_by_one)
"""
