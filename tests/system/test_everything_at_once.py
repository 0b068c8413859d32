"""Kills, frozen servers, a full disk and floods at once, under load: answers to clients agree with the ledger."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.log.command_producer import DEADLINE_S
from reprise_client import read_events
from stack.instance import InstanceFolder
from stack.ports import free_ports
from stack.status import status_of
from tests.faults.seeds import chosen_seed
from tests.processes import eventually, reprise
from tests.small_disk import instance_on_small_disk
from tests.system.answers_and_ledger import counted, differences, unknown_outcomes
from tests.system.crowd import BOUNDS, Crowd
from tests.system.disturbances import Disturbances
from tests.system.followed_ledger import Ledger, money
from tests.system.listener import Listener
from tests.system.noted_answers import Answer, Command, Trader
from tests.system.planted_faults import faults_not_found

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]
TRADERS = 5
LISTENERS = 2
UP_TIMEOUT_S = 420
CALM_TIMEOUT_S = 240.0
DISK_MB = 1_600
# An account may send 600 commands in ten minutes.
PAUSE_S = 1.0
DECIDED_A_PAIR_OF_KILLS = 5


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    with instance_on_small_disk(tmp_path / "disk", DISK_MB) as folder:
        yield folder


@pytest.fixture
def port(data: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The API's port, once the instance runs with small bounds."""
    (number,) = free_ports(1)
    for name, value in (BOUNDS | {"PRICE_INTERVAL_MS": "200"}).items():
        monkeypatch.setenv(name, value)
    up(data, number)
    return number


@pytest.mark.parametrize("kills", [8, 60])
def test_every_answer_agrees_with_the_ledger_after_kills_freezes_floods_and_a_full_disk_at_once(
    data: Path, port: int, kills: int
) -> None:
    seed, folder = chosen_seed("tests/system"), InstanceFolder(data)
    with clients(port, seed) as (traders, listeners, crowd):
        disturbances = Disturbances(
            folder, seed, partial(up, data, port), lambda: sum(one.decided for one in traders), DECIDED_A_PAIR_OF_KILLS
        )
        disturbances.disturb(kills)
        disturbances.calm()
        for trader in traders:
            trader.end()
        crowd.end()
        commands, said = all_of(traders), counted(all_of(traders))
        until_calm(folder, traders)
        before = ledger_of(folder)
        print(f"kills {dict(disturbances.kills)}, freezes {dict(disturbances.freezes)}, crowd {dict(crowd.counts)}")
        print(f"{len(commands)} commands, {said.total()} answers: {dict(said)}; events {dict(before.kinds)}")
        found = differences(commands, before)
        repeated = [repeated_of(trader, command) for trader in traders for command in list(trader.commands)]
        print(f"{len(repeated)} commands repeated, {undecided(commands, before)}")
        for trader in traders:
            until_flat(trader)
        after = ledger_of(folder)
        found += differences(repeated, after) + changed_outcomes(before, after)
        found += unknown_outcomes(all_of(traders), [trader.account_id for trader in traders], after)
        found += [difference for listener in listeners for difference in listener.differences(after)]
        found += [difference for trader in traders for difference in balances(trader, after)]
        found += openings(crowd, after)
    assert not found, "\n".join(found)
    assert disturbances.kills.total() == kills
    assert min(crowd.counts["refused sockets"], crowd.counts["ended connections"], said["done"]) > 0
    assert crowd.counts["registrations 429"] > 0
    verified = reprise("audit", "verify", "--data", data, timeout=UP_TIMEOUT_S)
    print(verified.stdout)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert faults_not_found(commands, before) == []


@contextmanager
def clients(port: int, seed: int) -> Iterator[tuple[list[Trader], list[Listener], Crowd]]:
    """Give the clients, at work; none is left at the end."""
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        traders = []
        for number in range(TRADERS):
            traders.append(Trader(url, f"trader-{number}", random.Random(seed + number), PAUSE_S))
            stack.callback(traders[-1].http.close)
        listeners = [Listener(url, trader.email, trader.account_id) for trader in traders[:LISTENERS]]
        crowd = Crowd(port, traders[0].token)
        for listener in listeners:
            stack.callback(listener.end)
            listener.start()
        eventually(lambda: all(listener.heard for listener in listeners), bool)
        stack.callback(crowd.end)
        crowd.start()
        for trader in traders:
            stack.callback(trader.end)
            trader.start()
        yield traders, listeners, crowd


def all_of(traders: list[Trader]) -> list[Command]:
    """Give every command of all traders."""
    return [command for trader in traders for command in trader.commands]


def up(data: Path, port: int) -> None:
    """Start the instance, or start it again after its manager was killed."""
    started = reprise(
        *("up", "--detach", "--standby", "--feed", "simulated", "--data", data, "--port", port), timeout=UP_TIMEOUT_S
    )
    assert started.returncode == 0, started.stdout + started.stderr


def until_calm(folder: InstanceFolder, traders: list[Trader]) -> None:
    """Wait until all runs, and until nothing that was sent before is still on its way into the log."""
    eventually(lambda: status_of(folder), is_whole, CALM_TIMEOUT_S, pause_s=1.0)
    time.sleep(DEADLINE_S + 2)
    for trader in traders:
        # Of a shard's commands those before this one are decided before it.
        last = trader.command("deposit", "canonical", "/api/v1/demo/deposit", {"amount": "1"})
        trader.commands.append(last)
        assert until_final(trader, last).is_success, last.answers


def is_whole(status: dict[str, Any]) -> bool:
    """Whether every process runs, every shard is live, and the API is ready."""
    states = {process["state"] for process in status["processes"] if process["name"] != "backfill"}
    return bool(status["ready"]) and states == {"RUNNING"} and {one["state"] for one in status["shards"]} == {"live"}


def until_final(trader: Trader, command: Command) -> Answer:
    """Send a command until an answer says what became of it."""
    return eventually(lambda: trader.attempt(command), lambda answer: answer.is_final, CALM_TIMEOUT_S, pause_s=0.2)


def repeated_of(trader: Trader, command: Command) -> Command:
    """Give the same command with the answers it gets now."""
    repeated = copy(command)
    repeated.answers = []
    until_final(trader, repeated)
    return repeated


def until_flat(trader: Trader) -> None:
    """Close all that a trader has, so that no price changes an account any more."""

    def positions_left() -> int:
        closing = trader.command("close-all", "canonical", "/api/v1/positions/close-all", None)
        trader.commands.append(closing)
        return len([item for item in until_final(trader, closing).body["items"] if item["status"] != "done"])

    eventually(positions_left, lambda count: count == 0, CALM_TIMEOUT_S, pause_s=1.0)


def balances(trader: Trader, ledger: Ledger) -> Iterator[str]:
    """Compare the balance that the API shows, all of it free, with the ledger's."""
    reply = eventually(lambda: trader.http.get("/api/v1/account"), lambda one: "Projection-Lag" not in one.headers)
    assert reply.status_code == 200, reply.text
    account, balance = reply.json(), ledger.balances[trader.account_id][-1]
    if {Decimal(account[name]) for name in ("balance", "free_margin")} != {money(balance.cash)} or balance.used_margin:
        yield f"{trader.account_id} has {account}, by the ledger {balance}"


def changed_outcomes(before: Ledger, after: Ledger) -> list[str]:
    """Name what became of commands otherwise than it was."""
    return [
        f"{name} had {found}, and has {after.outcomes[name]}"
        for name, found in before.outcomes.items()
        if after.outcomes[name] != found
    ]


def openings(crowd: Crowd, ledger: Ledger) -> Iterator[str]:
    """Compare the answers to who registered with the accounts: each was opened once."""
    opened = Counter(event.fields["account_id"] for event in ledger.openings)
    yield from (f"{name} was opened {count} times" for name, count in opened.items() if count > 1)
    lost = [one.account_id for one in crowd.registered if one.has_place and one.account_id not in opened]
    yield from (f"{name} is said to be open, and is not" for name in lost)


def undecided(commands: list[Command], ledger: Ledger) -> str:
    """Say how many commands had no final answer when the load ended, and how many of them had been executed."""
    open_ones = [command for command in commands if not command.answers[-1].is_final]
    executed = sum(bool(ledger.executed(command.command_id)) for command in open_ones)
    return f"{len(open_ones)} of them undecided when the load ended, {executed} of those executed"


def ledger_of(folder: InstanceFolder) -> Ledger:
    """Read the log of the instance up to its end."""
    return Ledger(read_events(folder.reader, verify_digests=True, until_end=True))
