"""An exported log is whole or not there, is the log to the last byte, and names the file where a bit of it changed."""

import errno
import json
import random
from pathlib import Path

import pytest

from audit.log import export_log as exporting
from audit.log.compare_logs import compare
from audit.log.export_log import export_log
from audit.log.folder import MANIFEST, FolderLog
from audit.log.log_reader import LogReader
from audit.verify.verify import VerifyRequest, verify
from cli.main import call
from runtime.errors import FixableError
from schemas.codec import decode_event
from schemas.snapshots import decode_manifest, is_manifest_key
from tests.audit.logs import MemoryLog, busy_log, golden_log


def exported(log: LogReader, target: Path, shard: int | None = None, to: dict[int, int] | None = None) -> FolderLog:
    export_log(log, target, shard=shard, to=to or {})
    return FolderLog(target)


def test_an_exported_log_has_every_record_unchanged(tmp_path: Path) -> None:
    log = busy_log()
    copy = exported(log, tmp_path / "copy")
    for shard, part in enumerate(log.parts):
        assert [record for batch in copy.commands(shard, 0) for record in batch] == part.commands
        assert [record for batch in copy.events(shard, 0) for record in batch] == part.events
        assert [record for batch in copy.snapshots(shard) for record in batch] == part.snapshots
        assert [record for batch in copy.commands(shard, 50) for record in batch] == part.commands[50:]
        assert copy.extent(shard) == log.extent(shard)
        assert copy.damages(shard) == []
    assert compare(log, copy).agrees


def test_the_manifest_lists_source_shards_and_files_of_the_folder(tmp_path: Path) -> None:
    exported(golden_log(), tmp_path / "copy")
    manifest = json.loads((tmp_path / "copy" / MANIFEST).read_text())
    assert "exported" in manifest["what"]
    assert (manifest["shards"], manifest["held"], manifest["source"]) == (1, [0], "the golden log")
    assert {file["name"]: file["records"] for file in manifest["files"]} == {
        "exchange.commands-0.avro": 700,
        "exchange.events-0.avro": len(golden_log().parts[0].events),
        "exchange.snapshots-0.avro": len(golden_log().parts[0].snapshots),
    }
    assert all(len(file["sha256"]) == 64 for file in manifest["files"])


def test_an_export_may_be_limited_to_one_shard_and_to_commands_below_an_offset(tmp_path: Path) -> None:
    log = busy_log()
    part = exported(log, tmp_path / "part", shard=2, to={2: 150})
    assert part.held == (2,)
    assert [record for batch in part.commands(2, 0) for record in batch] == log.parts[2].commands[:150]
    events = [decode_event(record.value) for batch in part.events(2, 0) for record in batch]
    assert events[-1].command_offset == 149
    manifests = [
        decode_manifest(record.value) for batch in part.snapshots(2) for record in batch if is_manifest_key(record.key)
    ]
    assert [manifest.next_offset for manifest in manifests] == [120]
    verdict = verify(part, VerifyRequest(part.held, processes=1))
    assert verdict.agrees
    assert verdict.shards[0].commands == 150
    with pytest.raises(FixableError, match="holds no shard 1; it holds 2"):
        list(part.commands(1, 0))


@pytest.mark.parametrize(("shard", "to", "why"), [(9, {}, "holds no shard 9"), (None, {0: 10**6}, "cannot be reached")])
def test_an_export_of_an_unknown_shard_or_offset_is_refused_and_leaves_no_file(
    tmp_path: Path, shard: int | None, to: dict[int, int], why: str
) -> None:
    with pytest.raises(FixableError, match=why):
        exported(golden_log(), tmp_path / "copy", shard, to)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.mkdir()
    with pytest.raises(FixableError, match="exists already"):
        exported(golden_log(), target)
    left = tmp_path / "other.unfinished"
    left.mkdir()
    with pytest.raises(FixableError, match="an export that did not end"):
        exported(golden_log(), tmp_path / "other")
    assert list(target.iterdir()) == list(left.iterdir()) == []


def test_a_full_disk_ends_an_export_with_an_error_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = exporting._Hashed.write

    def full(out: exporting._Hashed, content: bytes) -> int:
        if out.size > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(out, content)

    monkeypatch.setattr(exporting._Hashed, "write", full)
    with pytest.raises(FixableError, match=r"disk of .*copy is full: nothing was exported"):
        exported(golden_log(), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_an_export_to_dev_full_ends_with_the_error_of_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full answers every write as a full disk does."""
    real_open = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *rest, **named: real_open(Path("/dev/full") if path.suffix == ".avro" else path, *rest, **named),
    )
    with pytest.raises(FixableError, match="is full"):
        exported(golden_log(), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_one_flipped_bit_of_any_exported_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = exported(golden_log(), tmp_path / "copy").path
    dice = random.Random(7)
    for name in sorted(path.name for path in folder.iterdir()):
        path = folder / name
        sound = path.read_bytes()
        for _ in range(6):
            bit = dice.randrange(8 * len(sound))
            changed = bytearray(sound)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            assert call(["audit", "verify", "--log", str(folder), "--state-only"]) == 1, (name, bit)
            said = capsys.readouterr()
            assert name in said.out + said.err, (name, bit)
        path.write_bytes(sound)
    assert call(["audit", "verify", "--log", str(folder), "--state-only"]) == 0


def test_a_flipped_bit_is_named_by_the_records_of_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BLOCK_RECORDS", 100)
    log = exported(golden_log(), tmp_path / "copy")
    (commands,) = [file for file in log.manifest.files if file.topic == "exchange.commands"]
    path = log.path / commands.name
    content = bytearray(path.read_bytes())
    content[commands.blocks[4].end - 40] ^= 1
    path.write_bytes(content)
    (damage,) = FolderLog(log.path).damages(0)
    assert damage.what == "exchange.commands-0.avro: records 300 to 399 are not what was exported"
    assert damage.expected != damage.found
    path.write_bytes(path.read_bytes()[:-5])
    assert FolderLog(log.path).damages(0)[0].what.startswith("exchange.commands-0.avro")
    path.unlink()
    verdict = verify(FolderLog(log.path), VerifyRequest((0,), processes=1))
    assert {difference.judge for difference in verdict.differences} >= {"files", "events"}


def test_records_changed_together_with_the_manifest_s_hashes_are_found_by_replay(tmp_path: Path) -> None:
    """A forger of a folder can forge its hashes too, but not the chain of digests or the replay."""
    log = golden_log().copy()
    log.parts[0].events[200] = log.parts[0].events[200]._replace(value=log.parts[0].events[201].value)
    forged = exported(MemoryLog(log.parts), tmp_path / "forged")
    verdict = verify(forged, VerifyRequest((0,), processes=1))
    assert [difference.seq for difference in verdict.differences if difference.judge == "events"] == [201]
