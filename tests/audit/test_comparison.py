"""Two logs are compared record by record; the first that differs is named with both values."""

import json
from pathlib import Path

import pytest

from audit.log.compare_logs import LogComparison, compare
from audit.log.differences import Difference
from audit.log.export_log import export_log
from cli.main import call
from runtime.errors import FixableError
from schemas.codec import decode_event, encode_command
from schemas.commands import Deposit
from tests.audit.logs import MemoryLog, busy_log, golden_log


def changed() -> MemoryLog:
    return golden_log().copy()


def only(result: LogComparison) -> Difference:
    assert not result.agrees
    (difference,) = result.differences
    return difference


def test_a_log_agrees_with_a_copy_and_its_records_are_counted() -> None:
    result = compare(busy_log(), busy_log().copy())
    assert result.agrees
    assert result.commands == sum(len(part.commands) for part in busy_log().parts)
    assert result.events == sum(len(part.events) for part in busy_log().parts)


def test_offsets_and_times_of_events_are_no_difference() -> None:
    """Offsets and times of events depend on the engine that wrote them; the engine of an import writes others."""
    log = changed()
    log.parts[0].events = [
        record._replace(offset=number, timestamp_ms=7) for number, record in enumerate(log.parts[0].events)
    ]
    assert compare(golden_log(), log).agrees


def test_a_changed_field_of_a_command_or_an_event_is_named() -> None:
    log = changed()
    deposits = [
        (place, encode_command(Deposit(command_id="c", account_id="ada", amount=amount)))
        for place, amount in ((20, 5), (20, 6))
    ]
    one, other = changed(), changed()
    for target, (place, value) in zip((one, other), deposits, strict=True):
        target.parts[0].commands[place] = target.parts[0].commands[place]._replace(value=value)
    difference = only(compare(one, other))
    assert (difference.judge, difference.offset, difference.type) == ("commands", 20, "Deposit")
    assert (difference.field, difference.expected, difference.found) == ("amount", "5", "6")

    log.parts[0].events[30] = log.parts[0].events[31]
    difference = only(compare(golden_log(), log))
    assert (difference.judge, difference.seq) == ("events", 31)
    assert difference.expected != difference.found


def test_a_changed_time_or_key_of_a_command_is_named() -> None:
    log = changed()
    record = log.parts[0].commands[40]
    log.parts[0].commands[40] = record._replace(timestamp_ms=record.timestamp_ms + 1)
    assert only(compare(golden_log(), log)).field == "timestamp_ms"
    log.parts[0].commands[40] = record._replace(key=b"other")
    assert only(compare(golden_log(), log)).field == "key"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_shorter_log_is_named(swapped: bool) -> None:
    short = changed()
    del short.parts[0].events[-1]
    pair = (short, golden_log()) if swapped else (golden_log(), short)
    difference = only(compare(*pair))
    assert difference.what.startswith("the first log ends here" if swapped else "the second log ends here")
    assert (difference.expected == "nothing") == swapped


def test_a_live_log_may_be_longer_than_its_copy_but_not_shorter() -> None:
    copy = changed()
    del copy.parts[0].events[-7:]
    del copy.parts[0].commands[-5:]
    result = compare(golden_log(), copy, live=golden_log())
    assert (result.agrees, result.goes_on) == (True, True)
    result = compare(copy, golden_log(), live=golden_log())
    assert (result.agrees, result.goes_on) == (True, True)
    assert not compare(golden_log(), copy, live=copy).agrees
    assert not compare(golden_log(), copy).agrees


def test_ledgers_with_different_numbers_of_shards_are_not_compared() -> None:
    with pytest.raises(FixableError, match="ledger of 1 shards"):
        compare(golden_log(), busy_log())


def test_audit_diff_compares_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = changed()
    seq = decode_event(log.parts[0].events[50].value).seq
    log.parts[0].events[50] = log.parts[0].events[50]._replace(value=b"altered")
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    export_log(golden_log(), Path(one), shard=None, to={})
    export_log(log, Path(other), shard=None, to={})
    assert call(["audit", "diff", one, one]) == 0
    assert "the logs agree" in capsys.readouterr().out
    assert call(["audit", "diff", one, other, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["agrees"], said["events"]) == (False, seq - 1)
    assert call(["audit", "diff", one, str(tmp_path / "nothing")]) == 1
    assert "is no exported log" in capsys.readouterr().err


def test_a_damaged_file_of_a_copy_is_named_with_the_place_and_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        export_log(golden_log(), folder, shard=None, to={})
    file = other / "exchange.events-0.avro"
    sound = file.read_bytes()

    def said() -> str:
        assert call(["audit", "diff", str(one), str(other)]) == 1
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out.splitlines()[0]

    file.write_bytes(sound[:-40] + bytes([sound[-40] ^ 1]) + sound[-39:])
    line = said()
    assert line.startswith(f"[files] {other}: exchange.events-0.avro: records ")
    assert " are not what was exported (shard 0, offset " in line
    file.write_bytes(sound[: len(sound) - 7])
    assert f"{other}: exchange.events-0.avro: it ends in the middle of records " in said()
    assert f"expected {len(sound)} bytes, found {len(sound) - 7} bytes" in said()
    file.write_bytes(sound + b"more")
    assert f"{other}: exchange.events-0.avro is not the file that was exported" in said()
    file.unlink()
    assert f"{file} cannot be read: No such file or directory." in said()
    file.write_bytes(sound)
    manifest = other / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"shards": 1', b'"shards": 2'))
    assert call(["audit", "diff", str(one), str(other)]) == 1
    assert f"{manifest} is not what was written: its SHA-256 differs." in capsys.readouterr().err
