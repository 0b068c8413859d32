"""The ledger at an offset or a time is the one the shard had then, in digits that add up."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.digits import iso
from audit.explain.ledger_at import Moment, describe, ledger_at
from audit.log.export_log import export_log
from cli.main import call
from engine.core.fingerprint import state_digest
from engine.core.state import State, genesis
from engine.core.step import step
from schemas.codec import command_in, decode_event
from tests.audit.logs import busy_log, golden_log


def executed(commands: int) -> State:
    """The golden ledger after so many commands, by executing them."""
    state = genesis(0, 1)
    for record in golden_log().parts[0].commands[:commands]:
        step(state, command_in(record.value, 1), offset=record.offset, time=record.timestamp_ms * 1_000)
    return state


@pytest.mark.parametrize("offset", [0, 1, 149, 150, 151, 420, 699, 5_000])
def test_the_ledger_at_an_offset_is_the_ledger_of_the_executed_commands(offset: int) -> None:
    assert state_digest(ledger_at(golden_log(), 0, Moment(offset, None))) == state_digest(executed(offset + 1))


@pytest.mark.parametrize("offset", [3, 160, 500])
def test_the_ledger_at_a_time_includes_the_commands_up_to_that_time(offset: int) -> None:
    log = golden_log()
    state = executed(offset + 1)
    while log.parts[0].commands[state.next_offset].timestamp_ms * 1_000 <= state.time:
        state = executed(state.next_offset + 1)
    assert state_digest(ledger_at(log, 0, Moment(None, state.time))) == state_digest(state)
    before = ledger_at(log, 0, Moment(None, state.time - 1))
    assert before.time < state.time


def test_the_ledger_before_the_first_command_is_empty() -> None:
    assert ledger_at(golden_log(), 0, Moment(None, 1)).seq == 0


def test_the_printed_ledger_adds_up() -> None:
    for shard in range(busy_log().shards):
        state = ledger_at(busy_log(), shard, Moment(10**6, None))
        said = describe(state)
        books = {name: Decimal(amount) for name, amount in said["books"].items()}
        assert sum(books.values()) == 0
        balances = [Decimal(account["balance"]) for account in said["accounts"]]
        assert sum(balances) == books["CLIENTS"]
        for account in said["accounts"]:
            margins = [Decimal(position["margin"]) for position in account["positions"]]
            profits = [Decimal(position["unrealized_pnl"]) for position in account["positions"]]
            assert sum(margins) == Decimal(account["used_margin"])
            assert Decimal(account["cash"]) + sum(margins) == Decimal(account["balance"])
            assert Decimal(account["balance"]) + sum(profits) == Decimal(account["equity"])
        assert said["account_count"] == len(said["accounts"])


def asked(folder: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert call(["audit", "at", *arguments, "--log", str(folder), "--json"]) == 0
    ledgers: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return ledgers


def test_audit_at_takes_a_time_an_offset_a_shard_and_an_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    export_log(busy_log(), folder, shard=None, to={})
    ledgers = asked(folder, "2026-01-09T12:00:20Z", capsys=capsys)
    assert [ledger["shard"] for ledger in ledgers] == [0, 1, 2, 3]
    assert all(ledger["time"] <= "2026-01-09T12:00:20.000000Z" for ledger in ledgers)
    (one,) = asked(folder, "100", "--shard", "2", capsys=capsys)
    assert (one["shard"], one["next_offset"]) == (2, 101)
    account = one["accounts"][0]["account_id"]
    (alone,) = asked(folder, "100", "--account", account, capsys=capsys)
    assert (alone["shard"], [each["account_id"] for each in alone["accounts"]]) == (2, [account])

    assert call(["audit", "at", "100", "--log", str(folder)]) == 1
    assert "name it by --shard" in capsys.readouterr().err
    assert call(["audit", "at", "yesterday", "--log", str(folder)]) == 1
    assert "neither an offset nor a time" in capsys.readouterr().err
    assert call(["audit", "at", "100", "--shard", "2", "--log", str(folder)]) == 0
    said = capsys.readouterr()
    assert account in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["100", "--account", "nobody"], "has no account nobody at 100"),
        (["0", "--account", "BUSY"], "has no account BUSY at 0"),
        (["2026-01-09T12:00:20Z", "--account", "BUSY", "--account", "nobody"], "has no account nobody at 2026-01-09T"),
        (["100", "--shard", "0", "--account", "BUSY"], "Account BUSY is one of shard 2, not of shard 0."),
        (["100", "--shard", "8"], "holds no shard 8"),
    ],
)
def test_an_unknown_account_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], why: str
) -> None:
    account = next(iter(ledger_at(busy_log(), 2, Moment(100, None)).accounts))
    folder = tmp_path / "log"
    export_log(busy_log(), folder, shard=None, to={})
    arguments = [account if each == "BUSY" else each for each in asked]
    assert call(["audit", "at", *arguments, "--log", str(folder)]) == 1
    said = capsys.readouterr()
    assert why.replace("BUSY", account) in said.err
    assert said.out == ""


@pytest.mark.parametrize("when", ["700", "2099-01-01T00:00:00Z"])
def test_a_time_or_offset_beyond_the_log_gives_the_ledger_at_the_log_s_end_with_a_notice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    folder = tmp_path / "log"
    export_log(golden_log(), folder, shard=None, to={})
    (ledger,) = asked(folder, when, capsys=capsys)
    assert (ledger["next_offset"], ledger["is_log_end"]) == (700, True)
    assert call(["audit", "at", when, "--log", str(folder)]) == 0
    assert capsys.readouterr().err == f"Shard 0: the log ends at command 699, {ledger['time']}.\n"
    for last in ("699", ledger["time"]):
        (ledger,) = asked(folder, last, capsys=capsys)
        assert (ledger["next_offset"], ledger["is_log_end"]) == (700, False)


def test_the_ledger_of_a_log_with_pending_commands_names_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = golden_log().copy()
    log.parts[0].events = [each for each in log.parts[0].events if decode_event(each.value).command_offset < 600]
    for name, expected in (
        ("some", "the log ends at command 599, "),
        ("none", "nothing was executed yet; 700 commands wait for the engine."),
    ):
        export_log(log, tmp_path / name, shard=None, to={})
        assert call(["audit", "at", "650", "--log", str(tmp_path / name)]) == 0
        said = capsys.readouterr()
        assert expected in said.err
        assert ("100 commands more wait for the engine" in said.err) == (name == "some")
        log.parts[0].events.clear()
        log.parts[0].snapshots.clear()
    assert "before its first command" in said.out


def test_times_are_printed_to_the_microsecond_in_utc() -> None:
    assert iso(1_767_960_000_000_001) == "2026-01-09T12:00:00.000001Z"
