"""Events missing at the log's end are distinguished from an engine that is behind by time alone."""

import json
from pathlib import Path

import pytest

from audit.log.export_log import export_log
from audit.verify.pending import PATIENCE
from audit.verify.verify import From, Verdict, VerifyRequest, verify
from cli.main import call
from schemas.codec import decode_event
from schemas.units import SECOND
from tests.audit.logs import MemoryLog, golden_log

LOST = (200, None)


def without_the_last(count: int | None, *, snapshots: bool = False) -> MemoryLog:
    """Give the golden log without its last events, or without any; they are missing from a command's first on."""
    log = golden_log().copy()
    events = log.parts[0].events
    first = 0 if count is None else len(events) - count
    while decode_event(events[first].value).index:
        first += 1
    del events[first:]
    if not snapshots:
        log.parts[0].snapshots.clear()
    return log


def behind(seconds: float) -> MemoryLog:
    """Give the golden log as it stood when its engine was so far behind its last command."""
    commands = golden_log().parts[0].commands
    first = next(each.offset for each in commands if each.timestamp_ms > commands[-1].timestamp_ms - seconds * 1_000)
    log = golden_log().copy()
    log.parts[0].events = [
        record for record in log.parts[0].events if decode_event(record.value).command_offset < first
    ]
    log.parts[0].snapshots.clear()
    return log


def judged(log: MemoryLog, **request: object) -> Verdict:
    return verify(log, VerifyRequest(log.held, processes=1, **request))  # type: ignore[arg-type]


@pytest.mark.parametrize("state_only", [False, True])
@pytest.mark.parametrize("count", LOST)
def test_events_missing_at_the_end_of_the_log_are_named(count: int | None, state_only: bool) -> None:
    log = without_the_last(count)
    first = decode_event(log.parts[0].events[-1].value).command_offset + 1 if log.parts[0].events else 0
    verdict = judged(log, state_only=state_only)
    assert [(each.judge, each.offset) for each in verdict.differences] == [("waiting", first)]
    assert "or events are missing" in verdict.differences[0].what
    shard = verdict.shards[0]
    assert (shard.agrees, shard.pending_commands) == (False, len(log.parts[0].commands) - first)
    commands = log.parts[0].commands
    waited = (commands[-1].timestamp_ms - commands[first].timestamp_ms) / 1_000
    assert shard.pending_seconds == pytest.approx(waited, abs=0.1)


@pytest.mark.parametrize("count", LOST)
def test_allow_pending_accepts_commands_that_wait_for_a_stopped_engine(count: int | None) -> None:
    verdict = judged(without_the_last(count), allow_pending=True)
    assert verdict.agrees
    assert verdict.shards[0].pending_commands > 100


@pytest.mark.parametrize("start", ["genesis", "snapshot"])
def test_events_in_a_snapshot_but_not_in_the_log_are_named_wherever_replay_begins(start: From) -> None:
    verdict = judged(without_the_last(200, snapshots=True), start=start, allow_pending=True)
    assert not verdict.agrees
    assert {each.judge for each in verdict.differences} <= {"fold", "snapshots"}


def test_a_log_whose_engine_is_a_few_seconds_behind_agrees() -> None:
    verdict = judged(behind(5))
    assert verdict.agrees
    assert 0 < verdict.shards[0].pending_commands < 50
    assert 0 < (verdict.shards[0].pending_seconds or 0) <= 5


def test_a_fully_executed_log_has_no_pending_commands() -> None:
    (shard,) = judged(golden_log(), now=(golden_log().parts[0].commands[-1].timestamp_ms + 10**9) * 1_000).shards
    assert (shard.agrees, shard.pending_commands, shard.pending_seconds) == (True, 0, None)


@pytest.mark.parametrize(("later", "agrees"), [(0, True), (PATIENCE - 6 * SECOND, True), (PATIENCE, False)])
def test_the_last_commands_of_a_live_log_are_pending_by_the_clock(later: int, agrees: bool) -> None:
    """Without new commands the log's own time does not move, and missing events would never be old."""
    last = golden_log().parts[0].commands[-1].timestamp_ms * 1_000
    assert judged(behind(5), now=last + later).agrees == agrees


def test_audit_verify_names_commands_without_events_and_the_option_for_a_stopped_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_log(without_the_last(200), tmp_path / "log", shard=None, to={})
    asked = ["audit", "verify", "--log", str(tmp_path / "log")]
    assert call(asked) == 1
    said = capsys.readouterr().out
    assert "DIFFERS" in said
    assert "commands have no event, the oldest for" in said
    assert "--allow-pending" in said
    assert call([*asked, "--allow-pending"]) == 0
    assert "commands wait for the engine, the oldest for" in capsys.readouterr().out
    assert call([*asked, "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["shards"][0]["pending_seconds"] > PATIENCE / SECOND
