"""What an account takes away from a replay, what the replay shows of the last verdict, and what of an altered log."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from audit.export.statements import COLUMNS, rows_of
from audit.log.export_log import export_log
from audit.log.log_reader import LogUnreadable
from audit.replay.answers import When
from audit.replay.last_verdict import kept_verdict, last_verdict
from cli.main import call
from schemas.codec import decode_event
from schemas.sharding import shard_of
from tests.audit.logs import busy_log, golden_log
from tests.audit.test_replay import accounts_of, replays_of


def test_a_bundle_has_the_account_s_events_as_the_export_does_and_files_that_sha256sum_checks(tmp_path: Path) -> None:
    log = busy_log()
    for account in accounts_of(log)[:2]:
        shard = shard_of(account, log.shards)
        folder = tmp_path / account
        with replays_of(log).bundle(account) as packed, zipfile.ZipFile(packed) as bundle:
            bundle.extractall(folder)
        for name, what in (("events", "events"), ("statements", "statements")):
            lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
            rows = rows_of(log, what, (shard,), account)  # type: ignore[arg-type]  # One of the names it takes.
            assert lines == [{column: row[column] for column in COLUMNS[what]} for row in rows]  # type: ignore[index]
        checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=True)
        assert checked.stdout.decode().split() == [
            *("events.jsonl:", "OK", "statements.jsonl:", "OK", "manifest.json:", "OK")
        ]
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["account_id"] == account
        assert [file["lines"] for file in manifest["files"]] == [
            len((folder / file["name"]).read_text().splitlines()) for file in manifest["files"]
        ]


def test_the_last_verdict_says_up_to_where_the_shard_was_verified(tmp_path: Path) -> None:
    export_log(golden_log(), tmp_path / "log", shard=None, to={})
    path = kept_verdict(tmp_path)
    assert last_verdict(path, 0) is None
    assert call(["audit", "verify", "--log", str(tmp_path / "log"), "--processes", "1", "--verdict", str(path)]) == 0
    found = last_verdict(path, 0)
    assert found is not None
    assert found.agrees
    assert found.shard_agrees
    assert (found.seq, found.next_offset) == (decode_event(golden_log().parts[0].events[-1].value).seq, 700)
    assert last_verdict(path, 1) is None, "it says nothing of another shard"
    path.write_text("{}")
    assert last_verdict(path, 0) is None


def test_an_altered_log_names_the_record_it_cannot_be_folded_over() -> None:
    log = golden_log().copy()
    del log.parts[0].events[200]
    with pytest.raises(LogUnreadable, match="stands where"):
        replays_of(log).overview("ada", When())
