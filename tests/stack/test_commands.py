"""What the commands say when something is missing or wrong: one line that says what to do, and the right exit code."""

import json
import socket
from pathlib import Path

import pytest

from reprise.cli.main import call


@pytest.fixture(autouse=True)
def _outside_any_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KAFKA_BROKERS", "DATABASE_URL", "REPRISE_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["up", "--nonsense"], 2, "No such option: --nonsense"),
        (["up", "--workers", "0"], 2, "--workers"),
        (["up", "--data", "x", "--feed", "nonsense"], 1, "--feed is auto, simulated, backpack or recorded:FILE"),
        (["up", "--data", "x", "--feed", "recorded:none.jsonl"], 1, "There is no recording"),
        (["up", "--data", "x", "--speed", "fast"], 1, "--speed is a number above 0, or max"),
        (["status", "--data", "x"], 1, "No instance runs in"),
        (["topics", "--data", "x"], 1, "Start it with `reprise up`"),
        (["tail", "events", "--data", "x"], 1, "No instance runs in"),
        (["logs", "--data", "x"], 1, "Nothing was written"),
        (["backpack-server", "--file", "none.jsonl"], 1, "There is no recording"),
        (["bench", "nonsense"], 1, "There is no bench nonsense"),
        (["run", "nonsense"], 2, "Invalid value"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(
    arguments: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments) == code
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("reprise: ")
    assert said.count("\n") == 1


def test_a_wrong_setting_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLLER_ASSETS", "DOGE")
    assert call(["status"]) == 1
    said = capsys.readouterr().err
    assert "DOGE" in said
    assert said.count("\n") == 1


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    assert f"Port {port} is taken. Name another with --port." in capsys.readouterr().err
    assert not (tmp_path / "x" / "kafka").exists()


def test_the_status_of_what_does_not_run_is_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", "--json", "--data", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "data": str(tmp_path),
        "running": False,
        "ready": False,
        "processes": [],
        "shards": [],
    }


def test_stopping_what_does_not_run_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["down", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"No instance runs in {tmp_path}.\n"


def test_the_last_lines_of_a_log_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_text("one\ntwo\nthree\n")
    assert call(["logs", "api", "-n", "2", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "two\nthree\n"
    assert call(["logs", "engine", "--data", str(tmp_path)]) == 1
    assert "There is no engine; there are api." in capsys.readouterr().err


def test_a_person_s_secrets_are_readable_by_nobody_else(tmp_path: Path) -> None:
    from reprise.runtime.settings import Settings  # noqa: PLC0415
    from reprise.stack.instance import Folder  # noqa: PLC0415
    from reprise.stack.secrets import secrets_of  # noqa: PLC0415

    folder = Folder(tmp_path)
    first = secrets_of(folder, Settings())
    assert secrets_of(folder, Settings()) == first
    assert len(first["JWT_SECRET"]) >= 32
    assert folder.secrets.stat().st_mode & 0o777 == 0o600
