"""`reprise log import` makes a new folder an instance of an exported log, whole or not at all."""

from pathlib import Path

import pytest

from audit.log.cluster import open_cluster
from audit.log.export_log import export_log
from audit.log.log_reader import commands_of
from cli.main import call
from runtime.settings import Settings
from stack.instance import InstanceFolder
from stack.new_instance import broker_of
from tests.audit.logs import MemoryLog, busy_log, golden_log

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def no_servers_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BROKERS", "DATABASE_URL", "REPRISE_SHARDS", "REPRISE_DATA"):
        monkeypatch.delenv(name, raising=False)


def exported(log: MemoryLog, target: Path) -> Path:
    export_log(log, target, shard=None, to={})
    return target


@pytest.mark.slow
def test_an_imported_log_is_the_broker_of_a_new_folder_with_its_shards_and_its_feed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, new = golden_log(), tmp_path / "new"
    new.mkdir()
    assert call(["log", "import", str(exported(log, tmp_path / "copy")), "--data", str(new)]) == 0
    up = InstanceFolder(new).command("up")
    assert f"700 commands are in {new}; {up} goes on from there." in capsys.readouterr().out
    lines = (new / ".env").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "REPRISE_SHARDS=1"
    assert lines[-1] == "FEED=simulated"
    with broker_of(InstanceFolder(new), Settings(shards=1), print) as reached:
        found = open_cluster(reached)
        assert list(commands_of(found, 0)) == log.parts[0].commands
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "new"]


def test_a_log_is_not_imported_into_a_folder_that_holds_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = exported(golden_log(), tmp_path / "copy")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine", encoding="utf-8")
    assert call(["log", "import", str(copy), "--data", str(tmp_path / "used")]) == 1
    assert capsys.readouterr().err == f"reprise: {tmp_path / 'used'} is not empty; name a new folder with --data.\n"
    (tmp_path / "new.unfinished").mkdir()
    assert call(["log", "import", str(copy), "--data", str(tmp_path / "new")]) == 1
    assert "is what a command that did not end left" in capsys.readouterr().err


def test_a_damaged_log_is_not_imported_and_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = exported(busy_log(), tmp_path / "copy")
    monkeypatch.setenv("REPRISE_SHARDS", "7")
    assert call(["log", "import", str(copy), "--data", str(tmp_path / "new")]) == 1
    assert "Set REPRISE_SHARDS=" in capsys.readouterr().err
    monkeypatch.delenv("REPRISE_SHARDS")
    file = copy / "exchange.commands-1.avro"
    content = bytearray(file.read_bytes())
    content[-30] ^= 1
    file.write_bytes(content)
    assert call(["log", "import", str(copy), "--data", str(tmp_path / "new")]) == 1
    assert "is damaged: [files] exchange.commands-1.avro" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]
