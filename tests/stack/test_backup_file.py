"""A backup's file is read by its owner only, and is restored whole or not at all: one line says what is wrong."""

import random
import re
import tarfile
from pathlib import Path

import msgspec
import pytest

from api.store.migrate import is_known
from api.store.tables import metadata
from cli.backup import file as backup_file
from cli.backup.database import LEFT_OUT, TABLES, require_known
from cli.backup.file import FORMAT, BackupManifest, described, pack, unpack
from cli.main import call
from projector.tables.kept_tables import KEPT
from runtime.errors import FixableError

CONTENTS = {"log/manifest.json": b"{}", "tables/auth.users.copy": b"ada\n" * 700, "secrets.env": b"JWT_SECRET=x\n"}


def packed(folder: Path, **other: object) -> Path:
    staging, target = folder / "staging", folder / "exchange.backup"
    for name, content in CONTENTS.items():
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).write_bytes(content)
    manifest = BackupManifest(
        format=FORMAT,
        what="a test's",
        made_at="2026-01-31T12:00:00+00:00",
        source="a test",
        shards=1,
        rules=2,
        revisions={},
        commands=[0],
        tables=[],
        left_out=[],
        files=[described(staging / name, name) for name in CONTENTS],
    )
    pack(staging, msgspec.structs.replace(manifest, **other), target)
    return target


def test_a_backup_gives_its_files_back_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = packed(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    unpack(file, tmp_path / "again")
    assert {name: (tmp_path / "again" / name).read_bytes() for name in CONTENTS} == CONTENTS
    assert all((tmp_path / "again" / name).stat().st_mode & 0o777 == 0o600 for name in CONTENTS)
    assert list((tmp_path / "staging").rglob("*.copy")) == []


def test_a_backup_into_a_folder_that_is_missing_is_refused_and_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert call(["backup", str(tmp_path / "none" / "exchange.backup")]) == 1
    said = f"reprise: There is no folder {tmp_path / 'none'}. Make it, or name a file in another.\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "none").exists()


def test_a_part_of_a_backup_is_not_restored(tmp_path: Path) -> None:
    file = packed(tmp_path)
    content = file.read_bytes()
    end = content.rindex(b"JWT_SECRET=x\n") + len(b"JWT_SECRET=x\n")
    for number, size in enumerate((0, 1, 511, 512, 1_000, 1_536, 3_000, end - 1)):
        file.write_bytes(content[:size])
        with pytest.raises(FixableError, match=re.escape(str(file))) as refused:
            unpack(file, tmp_path / str(number))
        assert len(refused.value.lines) == 1


def test_a_bit_that_changed_in_a_backup_is_found_wherever_it_means_anything(tmp_path: Path) -> None:
    file = packed(tmp_path)
    content = file.read_bytes()
    for name, expected in CONTENTS.items():
        place = content.rindex(expected) + random.Random(name).randrange(len(expected))
        file.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(FixableError, match=f"is damaged: {re.escape(name)} does not have its SHA-256"):
            unpack(file, tmp_path / f"changed-{place}")
    place = content.index(b"a test's")
    file.write_bytes(content[:place] + b"b" + content[place + 1 :])
    with pytest.raises(FixableError, match=r"its manifest.json does not have its SHA-256"):
        unpack(file, tmp_path / "changed")


def test_a_backup_that_differs_by_any_byte_is_not_restored(tmp_path: Path) -> None:
    content = packed(tmp_path).read_bytes()
    file = tmp_path / "other.backup"
    ends = [content[:-1], content[:-512], content[:-1_024], content + b"x", content + b"\0", content + bytes(10_240)]
    changed = [
        content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in range(0, len(content), 7)
    ]
    for number, other in enumerate([*ends, *changed]):
        file.write_bytes(other)
        with pytest.raises(FixableError, match=re.escape(str(file))) as refused:
            unpack(file, tmp_path / str(number))
        assert len(refused.value.lines) == 1


def test_the_header_of_a_file_that_is_larger_than_tar_s_own_numbers_is_exact_or_refused() -> None:
    header = backup_file._entry("log/exchange.commands-0.avro", 9 * 1024**3).tobuf(tarfile.PAX_FORMAT)
    assert backup_file._is_exact_header(header)
    assert len(header) == 3 * tarfile.BLOCKSIZE
    for place in (0, 148, 511, 1_000, 1_023, 1_024, 1_535):
        changed = header[:place] + bytes([header[place] ^ 1]) + header[place + 1 :]
        assert not backup_file._is_exact_header(changed), place


def test_a_backup_of_a_newer_version_is_refused_by_its_format_or_its_tables(tmp_path: Path) -> None:
    with pytest.raises(FixableError, match="a newer version of Reprise made it"):
        unpack(packed(tmp_path, format=FORMAT + 1), tmp_path / "again")
    assert is_known("0001")
    require_known(tmp_path, {"auth": "0001", "ledger": "0001"})
    for revisions in ({"auth": "9999"}, {"ledger": "9999"}, {"other": "0001"}):
        with pytest.raises(FixableError, match="a newer version of Reprise made it"):
            require_known(tmp_path, revisions)


def test_an_archive_is_not_unpacked_outside_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENTS, "../outside", b"")
    file = packed(tmp_path)
    with pytest.raises(FixableError, match=r"is no backup that `./reprise backup` made"):
        unpack(file, tmp_path / "again" / "deeper")
    assert backup_file.NAME.fullmatch("log/exchange.commands-0.avro")
    assert not any(backup_file.NAME.fullmatch(name) for name in ("/etc/passwd", "..", "log/../x", "log/", ""))


def test_a_refused_restore_says_the_reason_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KAFKA_BROKERS", "DATABASE_URL", "REPRISE_DATA"):
        monkeypatch.delenv(name, raising=False)
    file = packed(tmp_path)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").touch()
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"")
    for source, data, line in (
        (file, "used", "is not empty; name a new folder with --data."),
        (tmp_path / "none", "new", "No such file or directory."),
        (nothing, "new", "is not whole, or no backup"),
    ):
        assert call(["restore", str(source), "--data", str(tmp_path / data)]) == 1
        said = capsys.readouterr().err.splitlines()
        assert [line in each for each in said] == [True], said
        assert not (tmp_path / "new").exists()
        assert not (tmp_path / "new.unfinished").exists()
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://postgres@127.0.0.1:1/none")
    assert call(["restore", str(file), "--data", str(tmp_path / "new")]) == 1
    assert "DATABASE_URL: a backup is restored to a broker and a database of its own" in capsys.readouterr().err


def test_every_table_no_event_would_bring_back_is_in_a_backup_or_left_out_by_name() -> None:
    own = {table.fullname for table in (*metadata.sorted_tables, *KEPT)}
    assert {table.fullname for table in (*TABLES, *LEFT_OUT)} == own
    assert {table.fullname for table in LEFT_OUT} == {"auth.sessions", "auth.refresh_tokens", "auth.ws_tickets"}
