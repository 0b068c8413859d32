"""The checks after any run of faults: nothing lost, doubled or out of order, and every client's outcome true."""

import json
import os
import subprocess
from collections import Counter
from decimal import Decimal
from typing import Any, Final

from runtime.kafka import LogRecord
from runtime.python import reprise_command
from schemas.codec import decode_event
from schemas.events import CommandRejected, CommandRepeated, Event, PositionClosed, PositionReduced
from schemas.ids import keyed_command_id
from schemas.instruments import BY_SYMBOL
from schemas.rejections import Rejection
from schemas.topics import COMMANDS, EVENTS
from tests.exchange_processes import ExchangeProcesses
from tests.faults.snapshot_damage import DamagedSnapshot, expected_findings
from tests.faults.trading_load import CommandReply
from tests.processes import environment_of, eventually
from tests.system.exchange import read_all, shards_are_done, status

DONE_TIMEOUT_S: Final = 120.0
AUDIT_TIMEOUT_S: Final = 300.0


def wait_until_caught_up(processes: ExchangeProcesses) -> None:
    """Wait until everything runs, every command is executed, and every event is in PostgreSQL."""
    processes.wait_until_ready()
    settings = processes.settings
    processes.by_name["market-data"].stop()
    eventually(lambda: shards_are_done(settings, [settings.engine_port]), bool, DONE_TIMEOUT_S, pause_s=0.2)
    executed = {shard["shard"]: shard["seq"] for shard in status(settings.engine_port)["shards"]}
    eventually(
        lambda: {shard["shard"]: shard["seq"] for shard in status(settings.projector_port).get("shards", [])},
        lambda projected: projected == executed,
        DONE_TIMEOUT_S,
        pause_s=0.2,
    )


def run_audit(processes: ExchangeProcesses, damaged: list[DamagedSnapshot] | None = None) -> dict[str, Any]:
    """Run the audit on the log and PostgreSQL as an outsider would; everything but the spoiled snapshots must agree."""
    must, may = expected_findings(processes.settings, damaged or [])
    result = subprocess.run(
        reprise_command("audit", "verify", "--json"),
        env=os.environ | environment_of(processes.settings),
        cwd=processes.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=AUDIT_TIMEOUT_S,
        check=False,
    )
    assert result.returncode == (0 if not must else 1), result.stdout[-4000:] + result.stderr[-4000:]
    verdict: dict[str, Any] = json.loads(result.stdout)
    named = {(each["shard"], each["offset"]) for each in verdict["differences"] if each["judge"] == "snapshots"}
    others = [each for each in verdict["differences"] if each["judge"] != "snapshots"]
    assert (others, must <= named, named <= may) == ([], True, True), f"must: {must}, may: {may}, {verdict}"
    assert verdict["agrees"] == (not named)
    assert verdict["database"] == "compared"
    return verdict


def assert_replies_match_the_log(processes: ExchangeProcesses, replies: list[CommandReply]) -> None:
    """Each command has one outcome in the log, and every answer to its client is that outcome."""
    assert any(answer.reduced for answer in replies), "nobody closed a part of anything"
    outcomes = outcomes_in(processes)
    results = realized_pnl_in(processes)
    accounts = {answer.user.email: answer.user for answer in replies}
    account_ids = {email: user.get("/account")["account_id"] for email, user in accounts.items()}
    for answer in replies:
        name = f"{answer.key} of {answer.user.email}, {answer.path} {answer.body}"
        command_id = keyed_command_id(account_ids[answer.user.email], answer.key)
        found = outcomes.get(command_id, [])
        seen = answer.user.http.get(f"/commands/{command_id}")
        if (
            answer.resolved is not None
        ):  # By the id of its undecided answer the client learned the outcome that is known now.
            learned = {field: answer.resolved[field] for field in ("command_id", "status", "code", "order")}
            now = {field: seen.json()[field] for field in learned}
            assert (learned["command_id"], learned) == (command_id, now), f"{name}: learned {learned}, and it is {now}"
        if answer.status == 404 and "command_id" not in answer.reply:
            assert (found, seen.status_code) == ([], 404), f"{name}: said to be refused unsent, and there is {found}"
            continue
        assert len(found) == 1, f"{name}: told {answer.status}, and it has {len(found)} outcomes: {found}"
        pairs, (event,) = answer.reply, found
        if isinstance(event, CommandRejected):
            said = answer.status in {404, 409}, pairs.get("code"), seen.json()["status"]
            assert said == (True, Rejection(event.rejection).name, "rejected"), (
                f"{name}: {pairs}, and the log has {event}"
            )
            continue
        assert (answer.status in {200, 201}, seen.json()["status"]) == (True, "done"), f"{name}: {pairs}, log: {event}"
        if isinstance(event, PositionClosed):
            assert pairs["status"] == "closed", f"{name}: {pairs}, and the log has {event}"
        if isinstance(event, PositionReduced):
            left = Decimal(event.quantity_left).scaleb(-BY_SYMBOL[event.symbol].lot_exponent)
            assert Decimal(pairs["quantity"]) == left, f"{name}: {pairs}, and the log has {event}"
            if pairs["status"] == "open":  # Else a liquidation came before the client asked again.
                assert Decimal(pairs["realized_pnl"]).scaleb(6) == results[command_id], f"{name}: {pairs}, log: {event}"


def realized_pnl_in(processes: ExchangeProcesses) -> dict[str, int]:
    """Give what each reduction's position has brought by then: the profit of its parts, micros."""
    results: dict[str, int] = {}
    of_position: Counter[str] = Counter()
    for shard in range(processes.settings.shards):
        for record in read_all(processes.settings, EVENTS, shard):
            event = decode_event(record.value)
            if isinstance(event, PositionReduced) and event.command_id is not None:
                of_position[event.position_id] += event.profit
                results[event.command_id] = of_position[event.position_id]
    return results


def outcomes_in(processes: ExchangeProcesses) -> dict[str, list[Event]]:
    """Give every command's first outcomes; a reused id changes nothing."""
    outcomes: dict[str, list[Event]] = {}
    for shard in range(processes.settings.shards):
        for record in read_all(processes.settings, EVENTS, shard):
            event = decode_event(record.value)
            if event.index == 0 and event.command_id is not None and not _is_duplicate(event):
                outcomes.setdefault(event.command_id, []).append(event)
    return outcomes


def count_events(processes: ExchangeProcesses) -> Counter[str]:
    """Count the events by type, to see that there was something to check."""
    return Counter(
        type(decode_event(record.value)).__name__
        for shard in range(processes.settings.shards)
        for record in read_all(processes.settings, EVENTS, shard)
    )


def log_of(processes: ExchangeProcesses) -> list[tuple[list[LogRecord], list[LogRecord]]]:
    """Give each shard's commands and events."""
    settings = processes.settings
    return [
        (read_all(settings, COMMANDS, shard), read_all(settings, EVENTS, shard)) for shard in range(settings.shards)
    ]


def _is_duplicate(event: Event) -> bool:
    if isinstance(event, CommandRejected):
        return event.rejection == Rejection.COMMAND_ID_REUSED
    return isinstance(event, CommandRepeated)
