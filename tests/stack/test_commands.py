"""Commands with a missing or wrong input print one line with the remedy, and have the right exit code."""

import json
import socket
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from cli.main import call
from cli.status_report import print_status
from runtime.errors import FixableError
from runtime.python import python_command
from runtime.settings import Settings
from stack.instance import InstanceFolder
from stack.ports import free_ports
from stack.secrets import secrets_of
from tests.processes import reprise

GOOD = "8e0c1b7f3a5d9e2c4b6a8f0d1e3c5b7a9f8e7d6c5b4a39281706f5e4d3c2b1a0"


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
        (["up", "--port", "80000"], 2, "--port 80000 is wrong: allowed is a whole number, 65535 at most."),
        (["up", "--port", "0"], 2, "--port 0 is wrong: allowed is a whole number, 1 at least."),
        (["up", "--port=http"], 2, "--port http is wrong: allowed is a whole number."),
        (["up", "--port", "1.5"], 2, "--port 1.5 is wrong: allowed is a whole number."),
        (["up", "--port", "9" * 5_000], 2, "is wrong: allowed is a whole number."),
        (["up", "--spread-bps", "-1"], 2, "--spread-bps -1 is wrong: allowed is a whole number, 0 at least."),
        (["log", "accept-gap", "a", "1", "2"], 2, "shard a is wrong: allowed is a whole number."),
        (["account", "deposit", "u@x", "5", "--as", "a@x"], 2, "Missing option '--reason'. Choose from: received, "),
        (
            ["account", "deposit", "u@x", "-5", "--as", "a@x", "--reason", "bonus"],
            2,
            "-5 is below 0, which no argument",
        ),
        (["account", "withdraw", "u@x", "-5.25", "--as", "a@x", "--reason", "bonus"], 2, "-5.25 is below 0"),
        (["audit", "at", "-1"], 2, "-1 is below 0, which no argument may be. `"),
        (["logs", "--lines", "-1"], 2, "--lines"),
        (["backpack-server", "--file", "x", "--port", "80000"], 2, "--port"),
        (["up", "--data", "x", "--feed", "nonsense"], 1, "--feed is auto, simulated, backpack or recorded:FILE"),
        (["up", "--data", "x", "--feed", "recorded:none.jsonl"], 1, "There is no recording"),
        (["up", "--data", "x", "--speed", "fast"], 1, "The speed 'fast' is neither `max` nor a number above 0"),
        (["status", "--data", "x"], 1, "No instance runs in"),
        (["topics", "--data", "x"], 1, "Start it with `"),
        (["tail", "events", "--data", "x"], 1, "No instance runs in"),
        (["logs", "--data", "x"], 1, "Nothing was written"),
        (["backpack-server", "--file", "none.jsonl"], 1, "There is no recording"),
        (["bench", "nonsense"], 1, "There is no bench nonsense"),
        (["run", "nonsense"], 2, "Invalid value"),
    ],
)
def test_a_wrong_call_gets_a_one_line_error_and_its_exit_code(
    arguments: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments) == code
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("reprise: ")
    assert said.count("\n") == 1


def test_a_wrong_setting_gets_a_one_line_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLLER_ASSETS", "DO GE")
    assert call(["topics"]) == 1
    said = capsys.readouterr().err
    assert "DO GE" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [("status", 1, "No instance runs in"), ("down", 0, "No instance runs in"), ("logs", 0, "the last line")],
)
def test_an_instance_is_shown_and_stopped_whatever_the_settings_have_become(
    command: str,
    code: int,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs = tmp_path / "instance" / "logs"
    logs.mkdir(parents=True)
    (logs / "api.log").write_text("the last line\n")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "instance"))
    assert call([command]) == code
    said = capsys.readouterr()
    assert line in said.out + said.err
    assert "LOG_LEVEL" not in said.err


def test_a_wrong_profile_is_refused_without_being_taken_for_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPRISE_PROFILE", "prod")
    assert call(["up", "--data", str(tmp_path / "x")]) == 1
    said = capsys.readouterr()
    assert "demo profile" not in said.out
    assert said.err == "reprise: REPRISE_PROFILE=prod is wrong: allowed is demo or production.\n"


def test_mistakes_in_a_file_of_instruments_are_named_together_with_those_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "markets.toml").write_text('[[instruments]]\nsymbol = "doge"\n')
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    assert call(["up", "--data", str(tmp_path / "x"), "--instruments", "markets.toml", "--workers", "999"]) == 1
    said = capsys.readouterr().err
    assert "LOG_LEVEL=LOUD is wrong" in said
    assert "--workers is a number from 1 to" in said
    assert "markets.toml, instrument 1: symbol:" in said
    assert call(["up", "--data", str(tmp_path / "x"), "--instruments", "none.toml"]) == 1
    said = capsys.readouterr().err
    assert "none.toml cannot be read: No such file or directory." in said
    assert "LOG_LEVEL=LOUD is wrong" in said


def test_the_status_command_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    ended = subprocess.run(
        python_command("-X", "importtime", "-m", "cli.main", "status", "--data", str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if "import time:" in line}
    assert "cli.instance" in imported
    assert not imported & {"sqlalchemy", "fastapi", "alembic", "structlog", "prometheus_client", "psycopg", "httpx"}


def test_a_taken_port_is_refused_before_any_process_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    assert f"Port {port} is taken. Name another with --port." in capsys.readouterr().err
    assert not (tmp_path / "x" / "kafka").exists()


@pytest.mark.parametrize("key", ["x" * 31, "x" * 33, "ä" * 32, "0123456789abcdef0123456789ABCDEF0"])
def test_an_encryption_key_of_other_than_32_bytes_is_refused_before_any_process_starts(
    key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", key)
    port = free_ports(1)[0]
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    _refused(capsys.readouterr().err, key)
    # It was neither padded nor cut, and nothing was made under another.
    assert not (tmp_path / "x" / "kafka").exists()
    assert not InstanceFolder(tmp_path / "x").secrets.exists()


@pytest.mark.parametrize("service", ["api", "venue"])
def test_a_service_that_uses_venue_keys_does_not_start_with_a_key_of_the_wrong_length(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "x" * 31)
    monkeypatch.setenv("AUTH_JWT_SECRET", "a-key-of-the-tests-of-at-least-32-bytes")
    ended = reprise("run", service, timeout=60)
    assert ended.returncode == 1
    _refused(ended.stderr, "x" * 31)


@pytest.mark.parametrize("missing", [None, ""])
def test_in_production_no_secret_is_generated_for_a_missing_or_empty_setting(
    missing: str | None, tmp_path: Path
) -> None:
    given = {"profile": "production", "jwt_secret": "x" * 32, "auth_jwt_secret": None, "encryption_key": missing}
    with pytest.raises(FixableError, match=r"makes up no secrets: set ENCRYPTION_KEY\."):
        secrets_of(InstanceFolder(tmp_path), Settings.model_validate(given))
    assert not InstanceFolder(tmp_path).secrets.exists()


@pytest.mark.parametrize(
    "key", ["k" * 32, "0123456789abcdef0123456789abcdef", "0" * 64, b64encode(b"change-me".ljust(32, b"!")).decode()]
)
def test_in_production_an_example_encryption_key_is_refused_before_any_process_starts(key: str, tmp_path: Path) -> None:
    given = {"profile": "production", "jwt_secret": GOOD, "auth_jwt_secret": None, "encryption_key": key}
    with pytest.raises(FixableError, match=r"^ENCRYPTION_KEY looks like an example\. Set it to 32 bytes") as refused:
        secrets_of(InstanceFolder(tmp_path), Settings.model_validate(given))
    assert key not in str(refused.value)
    assert secrets_of(InstanceFolder(tmp_path), Settings.model_validate(given | {"encryption_key": GOOD}))


@pytest.mark.parametrize("service", ["api", "venue"])
@pytest.mark.parametrize(("key", "why"), [("", "is not set"), ("k" * 32, "looks like an example")])
def test_in_production_a_service_that_uses_venue_keys_needs_an_encryption_key_other_than_an_example(
    service: str, key: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("ENCRYPTION_KEY", key), ("AUTH_JWT_SECRET", GOOD), ("REPRISE_PROFILE", "production")):
        monkeypatch.setenv(name, value)
    assert call(["run", service]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"reprise: ENCRYPTION_KEY {why}")
    assert "openssl rand -hex 32" in said


def _refused(said: str, key: str) -> None:
    """One line names the fault and the remedy, without the key."""
    assert f"ENCRYPTION_KEY has {len(key)} characters, which are not 32 bytes. Set it to 32 bytes as text" in said
    assert "openssl rand -hex 32" in said
    assert said.startswith("reprise: ")
    assert said.count("\n") == 1
    assert key not in said


NOT_READY: dict[str, object] = {
    "data": "x",
    "ready": False,
    "why": "The Kafka broker does not answer.",
    "address": "http://127.0.0.1:1",
    "api_pages": {"address": "http://127.0.0.1:2", "served": True},
    "disk": {"free_bytes": 1, "total_bytes": 1, "log_bytes_a_day": None},
    "unanswered": [],
    "feed": None,
    "processes": [],
    "shards": [],
    "projector": [],
}


def test_the_status_of_an_instance_that_is_not_ready_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    print_status(NOT_READY)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "http://127.0.0.1:1  not ready (The Kafka broker does not answer)  (x)"


@pytest.mark.parametrize(("served", "more"), [(True, ""), (False, " (not served now)")])
def test_the_status_lists_the_port_of_the_api_s_health_and_metrics(
    served: bool,
    more: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_status(NOT_READY | {"api_pages": {"address": "http://127.0.0.1:6071", "served": served}})
    assert f"the API's health and metrics: http://127.0.0.1:6071{more}\n" in capsys.readouterr().out


def test_the_status_of_a_stopped_instance_is_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", "--json", "--data", str(tmp_path)]) == 1
    status = json.loads(capsys.readouterr().out)
    assert 0 < status["disk"]["free_bytes"] < status["disk"]["total_bytes"]
    assert status == {
        "disk": status["disk"],
        "data": str(tmp_path),
        "running": False,
        "manager": None,
        "ready": False,
        "processes": [],
        "shards": [],
    }


def test_stopping_a_stopped_instance_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["down", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"No instance runs in {tmp_path}.\n"


def test_the_last_lines_of_a_log_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_text("one\ntwo\nthree\n")
    assert call(["logs", "api", "-n", "2", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "two\nthree\n"
    assert call(["logs", "engine", "--data", str(tmp_path)]) == 1
    assert "There is no engine; there are api." in capsys.readouterr().err


def test_generated_secrets_are_stored_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = InstanceFolder(tmp_path)
    first = secrets_of(folder, Settings())
    assert secrets_of(folder, Settings()) == first
    assert len(first["JWT_SECRET"]) >= 32
    assert folder.secrets.stat().st_mode & 0o777 == 0o600
