"""The files `.env` are of the project and of the instance, wherever a command is typed, and all they say is checked."""

import os
import subprocess
from pathlib import Path

import pytest

from cli.main import call
from runtime.python import reprise_command
from runtime.setting_sources import SettingsWrong, env_files, load_settings
from runtime.settings import Settings

SECRET = "a-key-of-the-tests-of-at-least-32-bytes"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def test_the_environment_wins_over_the_instance_s_file_and_that_over_the_project_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, data = tmp_path / "project", tmp_path / "data"
    write(project, PORT="1001", LOG_LEVEL="debug", POLLER_ASSETS="SOL", FEED="simulated")
    write(data, PORT="1002", LOG_LEVEL="error", POLLER_ASSETS="")
    monkeypatch.setenv("PORT", "1003")
    settings = load_settings(project, data)
    assert (settings.port, settings.log_level, settings.feed) == (1003, "ERROR", "simulated")
    assert settings.symbols is None, "nothing in the nearer file hides what the other says"


def test_a_file_where_a_command_is_typed_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, LOG_LEVEL="LOUD")
    monkeypatch.chdir(tmp_path)
    assert load_settings(tmp_path / "project", tmp_path / "data").log_level == "INFO"


def test_a_folder_or_recording_named_in_a_file_is_relative_to_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "project", REPRISE_DATA="here", FEED="recorded:prices.jsonl")
    write(tmp_path / "project" / "here", PORT="1002")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(tmp_path / "project", None)
    assert settings.data == tmp_path / "project" / "here"
    assert settings.feed == f"recorded:{tmp_path / 'project' / 'prices.jsonl'}"
    assert settings.port == 1002


def test_every_mistake_is_named_at_once_with_its_place_and_what_is_allowed_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, PORT="99999", JWT_SECRET=SECRET, ENGINE_PORT="x", ENCRYPTION_KEY=SECRET)
    written = (tmp_path / ".env").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(f"{written}what is this\n", encoding="utf-8")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("AUTH_JWT_SECRET", SECRET[::-1])
    assert call(["migrate", "--data", str(tmp_path)]) == 1
    file = tmp_path / ".env"
    assert capsys.readouterr().err.splitlines() == [
        f"reprise: Line 5 of {file} is no NAME=VALUE.",
        "reprise: JWT_SECRET and AUTH_JWT_SECRET are both set and differ; set one of them.",
        "reprise: LOG_LEVEL=LOUD is wrong: allowed is DEBUG, INFO, WARNING or ERROR.",
        f"reprise: PORT=99999 in {file} is wrong: allowed is a whole number from 1 to 65535.",
        f"reprise: ENGINE_PORT=x in {file} is wrong: allowed is a whole number from 1 to 65535.",
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00PORT", None])
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsWrong) as refused:
        load_settings(tmp_path, None)
    assert len(refused.value.lines) == 1
    assert str(tmp_path / ".env") in refused.value.lines[0]


def test_a_file_that_contradicts_itself_is_refused_and_one_that_repeats_itself_is_not(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_PORT=8614\nkafka_port=8671\nPORT=8000\nPORT=8000\n", encoding="utf-8")
    with pytest.raises(SettingsWrong) as refused:
        load_settings(tmp_path, None)
    file = tmp_path / ".env"
    assert refused.value.lines == [f"{file} has KAFKA_PORT more than once, and not the same; leave one of them."]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(SettingsWrong, match=r"\.env cannot be read: it is no file"):
        load_settings(tmp_path, None)


def test_names_of_a_file_that_are_no_settings_are_known_and_those_of_the_environment_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, PROT="1", port="1002", VITE_API="x")
    monkeypatch.setenv("OF_ANOTHER_PROGRAM", "1")
    project, _data = env_files(tmp_path, None)
    assert (project.unknown, project.known) == (["PROT", "VITE_API"], {"PORT": "1002"})


def test_a_service_reads_the_file_of_its_instance_s_folder(tmp_path: Path) -> None:
    write(tmp_path / "data", PORT="99999")
    ended = subprocess.run(
        reprise_command("run", "api"),
        cwd=tmp_path,
        env=os.environ | {"REPRISE_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"PORT=99999 in {tmp_path / 'data' / '.env'} is wrong" in ended.stderr


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "topics", "migrate"])
def test_a_file_in_the_place_of_the_instance_s_folder_gets_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        assert call([command, "--data", str(data)]) == 1
        assert capsys.readouterr().err == f"reprise: --data is {data}, which is a file; name a folder.\n"


def write(folder: Path, **values: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
