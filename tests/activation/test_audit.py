"""The audit judges a log by the rules it was written under, and names the shard that missed a change of them."""

import json
from functools import cache
from pathlib import Path

import pytest

from audit.explain.explain import explain
from audit.explain.ledger_at import Moment, describe, ledger_at
from audit.explain.position_history import history_of
from audit.log.compare_logs import compare
from audit.log.export_log import export_log
from audit.verify import arithmetic
from audit.verify.ring import newest_start
from audit.verify.verify import From, Verdict, VerifyRequest, verify
from cli.main import call
from schemas.codec import decode_event, encode_and_chain, encode_command, first_digest
from schemas.events import InstrumentsDefined, RulesActivated
from schemas.units import SECOND
from tests.activating import activate, older_code
from tests.activation.log import AT, activated_log, log_of_gaps, recorded_commands, written
from tests.audit.logs import NOT_A_COMMAND, MemoryLog, Scribe, second_log
from tests.projector.streams import busy_exchange

SHARDS = 4
STARTS: tuple[From, ...] = ("genesis", "snapshot")


def verified(log: MemoryLog, start: From = "genesis") -> Verdict:
    return verify(log, VerifyRequest(log.held, start=start, processes=1))


@cache
def sent() -> list[list[tuple[int, bytes]]]:
    """What people do on four shards for some minutes, as code of version 1 sends it."""
    return [
        [(time, NOT_A_COMMAND if command is None else encode_command(command)) for time, command in commands]
        for commands in busy_exchange(seed=5, accounts=16, rounds=40).sent
    ]


def ledger(formula: dict[int, int]) -> MemoryLog:
    """Four shards; each named one activated version 2 so many µs before its log's end, the others did not."""
    all_sent = sent()
    parts = []
    for shard, commands in enumerate(all_sent):
        scribe, end, waits = Scribe(shard, SHARDS), commands[-1][0], shard in formula
        for number, (time, value) in enumerate(commands, 1):
            if waits and time >= end - formula[shard]:
                scribe.append(encode_command(activate(shard=shard)), time // 1_000)
                waits = False
            scribe.append(value, time // 1_000)
            if number == 40:
                scribe.snapshot()
        parts.append(scribe.part)
    return MemoryLog(parts, "four shards")


@pytest.mark.parametrize("start", STARTS)
def test_a_log_with_a_change_of_rules_is_verified_by_the_rules_of_each_command(start: From) -> None:
    verdict = verified(activated_log(), start)
    assert verdict.differences == []
    assert verdict.shards[0].snapshots == 7
    assert (verdict.shards[0].started_at == 1) == (start == "genesis")


@pytest.mark.parametrize("start", STARTS)
def test_a_log_that_is_of_version_2_from_its_first_event_is_verified(start: From) -> None:
    assert verified(second_log(), start).differences == []


def test_an_event_with_the_schema_of_the_wrong_version_is_named() -> None:
    """Were a new field written too early, or left out too late, the schema would say so before any value does."""
    log = activated_log().copy()
    events = log.parts[0].events
    place, event = next(
        (place, event)
        for place, record in enumerate(events)
        if isinstance(event := decode_event(record.value), InstrumentsDefined)
    )
    value, _ = encode_and_chain(event, first_digest(0), 2)
    events[place] = events[place]._replace(value=value)
    first = verified(log).differences[0]
    assert (first.judge, first.seq, first.field) == ("events", event.seq, "schema")
    assert (first.expected, first.found) == ("of rules version 1", "of rules version 2")


def test_a_log_of_stops_in_a_gap_before_and_after_the_activation_is_verified_by_the_rules_of_each() -> None:
    assert verified(log_of_gaps()).differences == []


def test_a_fee_by_the_former_rules_is_named_by_the_laws_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit's own arithmetic knows which version a receipt falls under, not the core's alone."""
    monkeypatch.setitem(arithmetic.RULES, 2, arithmetic.RULES[1])
    (difference,) = verified(log_of_gaps()).differences
    assert difference.judge == "laws"
    assert "liquidation_fee is" in difference.what


def test_an_audit_without_the_activated_version_names_the_version_and_the_remedy() -> None:
    log = activated_log()
    with older_code():
        differences = verified(log).differences
    assert differences[0].judge == "events"
    assert differences[0].offset == AT
    assert "rules version 2 begins here" in differences[0].what
    assert "start a newer one" in differences[0].what
    later = [difference.what for difference in differences if difference.judge == "snapshots"]
    assert later
    assert all("its manifest has a schema of another version" in what for what in later)


def test_a_snapshot_of_an_unknown_rules_version_is_passed_over_for_an_older_snapshot() -> None:
    log = activated_log()
    with older_code():
        assert newest_start(log, 0).state.next_offset == 300
    newest = newest_start(log, 0).state
    assert (newest.next_offset, newest.rules_version) == (700, 2)


def test_the_ledger_at_an_offset_names_the_rules_version_in_force() -> None:
    before = describe(ledger_at(activated_log(), 0, Moment(AT - 1, None)))
    after = describe(ledger_at(activated_log(), 0, Moment(AT, None)))
    assert (before["rules_version"], after["rules_version"]) == (1, 2)
    assert {name for name in before if before[name] != after[name]} == {
        *("next_offset", "seq", "time", "digest", "rules_version")
    }


def test_audit_at_prints_the_rules_version_and_audit_verify_accepts_the_activated_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_log(activated_log(), tmp_path / "log", shard=None, to={})
    assert call(["audit", "at", str(AT), "--log", str(tmp_path / "log")]) == 0
    assert "version 2" in capsys.readouterr().out
    assert call(["audit", "verify", "--log", str(tmp_path / "log"), "--processes", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["under_way"] == []


def test_a_position_is_explained_by_the_rules_in_force_at_its_end() -> None:
    """Two stops that a gap carried past the liquidation: one by LIQ-05, the other by LIQ-08."""
    explained = [explain(history_of(log_of_gaps(), name)).lines for name in ("0-1", "0-2")]
    for version, (lines, rule) in enumerate(zip(explained, ("LIQ-05", "LIQ-08"), strict=True), 1):
        assert f"In force: rules version {version}." in "\n".join(line.text for line in lines)
        assert {line.rule for line in lines} & {"LIQ-04", "LIQ-05", "CLOSE-05", "LIQ-08"} == {rule}


def test_a_log_with_and_a_log_without_an_activation_differ_first_in_the_activation() -> None:
    other = MemoryLog([written(recorded_commands()).part], "the same log without it")
    result = compare(other, activated_log())
    commands, events = result.differences
    assert (commands.judge, commands.offset) == ("commands", AT)
    assert (events.judge, events.found) == ("events", RulesActivated.__name__)


@pytest.mark.parametrize("missed", range(SHARDS))
@pytest.mark.parametrize("start", STARTS)
def test_a_shard_that_missed_the_activation_is_named(missed: int, start: From) -> None:
    log = ledger({shard: 30 * SECOND for shard in range(SHARDS) if shard != missed})
    verdict = verified(log, start)
    assert {(each.judge, each.shard) for each in verdict.differences} == {("broadcasts", missed)}
    by_field = {each.field: each for each in verdict.differences}
    version = by_field["rules version"]
    assert (version.expected, version.found) == ("2", "1")
    if start == "genesis":
        assert by_field["broadcast rules-2"].what == "broadcast rules-2 is missing"
    assert verdict.under_way == []


def test_shards_that_activated_at_different_offsets_agree() -> None:
    log = ledger({shard: (30 - shard) * SECOND for shard in range(SHARDS)})
    assert verified(log).differences == []


@pytest.mark.parametrize(("seconds", "named"), [(9, False), (12, True)])
def test_a_broadcast_of_the_last_ten_seconds_is_under_way_and_no_difference(seconds: int, named: bool) -> None:
    """As on a live cluster in the middle of a broadcast: shard 3 has no activation yet."""
    log = ledger(dict.fromkeys(range(SHARDS - 1), seconds * SECOND))
    verdict = verified(log)
    assert verdict.agrees != named
    assert any("rules version" in sentence and "shard 3" in sentence for sentence in verdict.under_way) != named


def test_without_an_activation_every_shard_has_version_1() -> None:
    assert verified(ledger({})).differences == []


def test_each_difference_is_printed_in_one_line() -> None:
    log = ledger({0: 30 * SECOND})
    sentences = [difference.sentence() for difference in verified(log).differences]
    assert "[broadcasts] broadcast rules-2 is missing (shard 1, field broadcast rules-2)" in sentences[0]
