"""A verdict is kept as JSON or as a page, and the next verification goes on from where an earlier one ended."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit.log.differences import Difference
from audit.log.export_log import export_log
from audit.verify.expected_rows import COLUMNS
from audit.verify.since import OtherLog, TrustedEnd, start_since
from cli.main import call
from schemas.codec import encode_command
from schemas.commands import Deposit
from tests.audit.logs import MemoryLog, busy_log, golden_log


def exported(log: MemoryLog, target: Path, to: dict[int, int] | None = None) -> str:
    export_log(log, target, shard=None, to=to or {})
    return str(target)


def verified(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert call(["audit", "verify", "--processes", "1", "--json", *arguments]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("kind", ["--verdict", "--report", "--json"])
def test_a_verification_goes_on_from_a_verdict_of_any_kind(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part, whole = exported(golden_log(), tmp_path / "part", {0: 300}), exported(golden_log(), tmp_path / "whole")
    kept = tmp_path / "earlier"
    first = verified(capsys, "--log", part, *([] if kind == "--json" else [kind, str(kept)]))
    if kind == "--json":
        kept.write_text(json.dumps(first), encoding="utf-8")
    assert first["scope"] == ["Every command and event was verified, from the first one on."]
    again = verified(capsys, "--log", whole, "--since", str(kept))
    every = verified(capsys, "--log", whole)
    assert (first["shards"][0]["commands"], again["shards"][0]["commands"]) == (300, 400)
    assert again["shards"][0]["started_at"] == first["shards"][0]["seq"] + 1
    assert again["shards"][0]["ledger_digest"] == every["shards"][0]["ledger_digest"]
    assert re.match(r"Only what is new since the verdict of 20.*\(SHA-256 [0-9a-f]{64}\)", again["scope"][0])
    assert "shard 0 from command 300 and event" in again["scope"][0]
    assert again["scope"][-1] == "That verdict said: Every command and event was verified, from the first one on."


def test_a_verification_without_anything_new_agrees_and_every_shard_begins_at_its_own_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, kept = exported(busy_log(), tmp_path / "whole"), tmp_path / "verdict.json"
    first = verified(capsys, "--log", whole, "--verdict", str(kept))
    again = verified(capsys, "--log", whole, "--since", str(kept))
    assert [shard["commands"] for shard in again["shards"]] == [0] * len(again["shards"])
    assert [shard["seq"] for shard in again["shards"]] == [shard["seq"] for shard in first["shards"]]


def test_a_defect_behind_an_earlier_verdict_is_found_and_one_of_its_own_ledger_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part, kept = exported(golden_log(), tmp_path / "part", {0: 300}), tmp_path / "verdict.json"
    end = verified(capsys, "--log", part, "--verdict", str(kept))["shards"][0]
    log = golden_log().copy()
    deposit = encode_command(Deposit(command_id="planted", account_id="ada", amount=5))
    log.parts[0].commands[500] = log.parts[0].commands[500]._replace(value=deposit)
    found = verified(capsys, "--log", exported(log, tmp_path / "other"), "--since", str(kept), code=1)
    assert found["differences"][0]["offset"] == 500

    trusted = TrustedEnd(end["seq"], end["next_offset"], end["chain_digest"], end["ledger_digest"])
    assert start_since(golden_log(), 0, trusted).state.seq == end["seq"]
    for wrong in (
        TrustedEnd(trusted.seq, trusted.next_offset, trusted.chain, "00" * 32),
        TrustedEnd(trusted.seq, trusted.next_offset, "00" * 32, trusted.ledger),
        TrustedEnd(10**9, trusted.next_offset, trusted.chain, trusted.ledger),
    ):
        with pytest.raises(OtherLog, match="does not have the ledger that the earlier verdict ended with"):
            start_since(golden_log(), 0, wrong)
    changed = json.loads(kept.read_text(encoding="utf-8"))
    changed["shards"][0]["ledger_digest"] = "00" * 32
    kept.write_text(json.dumps(changed), encoding="utf-8")
    found = verified(capsys, "--log", part, "--since", str(kept), code=1)
    assert {difference["judge"] for difference in found["differences"]} == {"since"}


def test_a_file_that_is_no_verdict_to_go_on_from_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, kept = exported(golden_log(), tmp_path / "whole"), tmp_path / "verdict.json"
    verified(capsys, "--log", whole, "--verdict", str(kept))
    sound = json.loads(kept.read_text(encoding="utf-8"))
    for text, line in (
        ("no verdict", "is no verdict that `./reprise audit verify` wrote"),
        ("<html></html>", "is no verdict that `./reprise audit verify` wrote"),
        (json.dumps(sound | {"agrees": False}), "found differences, so nothing goes on from it"),
        (json.dumps(sound | {"commands": "not executed"}), "executed no command"),
        (json.dumps(sound | {"shards": []}), "says nothing of shard 0"),
    ):
        kept.write_text(text, encoding="utf-8")
        assert call(["audit", "verify", "--log", whole, "--since", str(kept)]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert line in said
    kept.write_text(json.dumps(sound), encoding="utf-8")
    assert call(["audit", "verify", "--log", whole, "--since", str(kept), "--from", "snapshot"]) == 1
    assert "--since and --from both say where to begin" in capsys.readouterr().err
    # The last folder may be written to by its permissions, and takes no file.
    for page in (tmp_path / "none" / "page.html", tmp_path, Path("/proc/page.html")):
        for option in ("--report", "--verdict"):
            assert call(["audit", "verify", "--log", whole, option, str(page)]) == 1
            shown = capsys.readouterr()
            assert shown.err.startswith(f"reprise: {page} cannot be written: name a file in a folder")
            assert shown.out == ""


def test_a_verdict_can_be_written_with_a_difference_in_any_column_of_a_table() -> None:
    columns = [column for of_table in COLUMNS.values() for column in of_table]
    assert len(columns) > 100
    for column in columns:
        found = Difference(judge="tables", what="a row differs", field=column)
        assert json.loads(msgspec.json.encode(found))["field"] == column


def test_a_report_is_one_page_without_scripts_or_addresses_that_names_every_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    page.write_text("an older one", encoding="utf-8")
    verdict = verified(capsys, "--log", exported(golden_log(), tmp_path / "whole"), "--report", str(page))
    text = page.read_text(encoding="utf-8")
    assert "All that was compared agrees." in text
    for part in (verdict["shards"][0]["ledger_digest"], verdict["made_at"], verdict["scope"][0], str(tmp_path)):
        assert part in text
    assert all(f"Version of {name}" in text for name in verdict["versions"])
    assert not re.search(r"<script|<link|<img|https?://|src=|@import", text)
    log = golden_log().copy()
    deposit = encode_command(Deposit(command_id="<b>planted", account_id="ada", amount=5))
    log.parts[0].commands[20] = log.parts[0].commands[20]._replace(value=deposit)
    verified(capsys, "--log", exported(log, tmp_path / "<b>"), "--report", str(page), code=1)
    text = page.read_text(encoding="utf-8")
    assert "difference" in text
    assert "<b>" not in text
    assert "[events]" in text
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
