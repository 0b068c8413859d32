"""What must be true after whatever happened: nothing lost, doubled or out of order, and everyone was told the truth."""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any, Final

from faults.load import Answer
from machine import Machine
from processes import environment_of, eventually
from reprise.runtime.kafka import Record
from reprise.schemas.codec import read_event
from reprise.schemas.events import CommandRejected, CommandRepeated, Event
from reprise.schemas.ids import keyed_command_id
from reprise.schemas.topics import COMMANDS, EVENTS
from system.exchange import read_all, shards_are_done, status

DONE_TIMEOUT_S: Final = 120.0
AUDIT_TIMEOUT_S: Final = 300.0


def settle(machine: Machine) -> None:
    """Wait until everything runs, every command is executed, and every event is in PostgreSQL."""
    machine.until_ready()
    settings = machine.settings
    machine.parts["market-data"].stop()
    eventually(lambda: shards_are_done(settings, [settings.engine_port]), bool, DONE_TIMEOUT_S, pause_s=0.2)
    executed = {shard["shard"]: shard["seq"] for shard in status(settings.engine_port)["shards"]}
    eventually(
        lambda: {shard["shard"]: shard["seq"] for shard in status(settings.projector_port).get("shards", [])},
        lambda projected: projected == executed,
        DONE_TIMEOUT_S,
        pause_s=0.2,
    )


def audit(machine: Machine) -> dict[str, Any]:
    """Let the audit look at the log and at PostgreSQL as a stranger would; all must agree."""
    result = subprocess.run(
        [sys.executable, "-m", "reprise.cli.main", "audit", "verify", "--json"],
        env=os.environ | environment_of(machine.settings),
        cwd=machine.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=AUDIT_TIMEOUT_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    verdict: dict[str, Any] = json.loads(result.stdout)
    assert verdict["agrees"]
    assert verdict["database"] == "compared"
    return verdict


def everyone_was_told_the_truth(machine: Machine, answers: list[Answer]) -> None:
    """Each command has one outcome in the log, and it is what its client was told, however often it asked."""
    outcomes = outcomes_in(machine)
    for answer in answers:
        command_id = keyed_command_id(_account_of(answer), answer.key)
        found = outcomes.get(command_id, [])
        assert len(found) == 1, f"{answer.key} of {answer.user.email} has {len(found)} outcomes: {found}"
        refused = isinstance(found[0], CommandRejected)
        assert refused == (answer.status == 409), f"{answer.key}: told {answer.status}, and the log has {found[0]}"
        seen = answer.user.get(f"/commands/{command_id}")
        assert seen["status"] == ("rejected" if refused else "done"), seen


def outcomes_in(machine: Machine) -> dict[str, list[Event]]:
    """Give every command's first outcomes, repeats left out."""
    outcomes: dict[str, list[Event]] = {}
    for shard in range(machine.settings.shards):
        for record in read_all(machine.settings, EVENTS, shard):
            event = read_event(record.value)
            if event.index == 0 and event.command_id is not None and not isinstance(event, CommandRepeated):
                outcomes.setdefault(event.command_id, []).append(event)
    return outcomes


def what_happened(machine: Machine) -> Counter[str]:
    """Count the events by type, to see that there was something to judge."""
    return Counter(
        type(read_event(record.value)).__name__
        for shard in range(machine.settings.shards)
        for record in read_all(machine.settings, EVENTS, shard)
    )


def log_of(machine: Machine) -> list[tuple[list[Record], list[Record]]]:
    """Give each shard's commands and events."""
    settings = machine.settings
    return [
        (read_all(settings, COMMANDS, shard), read_all(settings, EVENTS, shard)) for shard in range(settings.shards)
    ]


def _account_of(answer: Answer) -> str:
    account_id: str = answer.user.get("/account")["account_id"]
    return account_id
