"""A start needs room on its disk, every command names a full one, and what stopped goes on when there is room."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from cli.main import call
from stack import disk, supervisor
from stack.instance import InstanceFolder
from stack.ports import free_ports
from tests.processes import eventually, reprise
from tests.small_disk import instance_on_small_disk
from tests.stack.test_two_starts import account_of_new_user

TIMEOUT_S = 600.0


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    with instance_on_small_disk(tmp_path / "disk", 800) as folder:
        yield folder


def test_a_start_without_room_is_refused_with_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(disk, "room", lambda _folder: (499 * disk.MEGABYTE, 1_000 * disk.MEGABYTE))
    (port,) = free_ports(1)
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert f"The disk that holds {tmp_path / 'x'} has 499 MB free, and a start needs 500 MB." in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x" / "kafka").exists()


@pytest.mark.parametrize("command", [["status"], ["logs"], ["down"], ["topics"], ["audit", "verify"]])
def test_every_command_names_a_full_disk(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(disk, "room", lambda _folder: (1 * disk.MEGABYTE, 1_000 * disk.MEGABYTE))
    call([*command, "--data", str(tmp_path)])
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"reprise: The disk that holds {tmp_path} is full: 1.0 MB are free. Make room, and what stopped for want of it "
        "goes on by itself."
    )


@pytest.mark.slow
@pytest.mark.timeout(3 * TIMEOUT_S)
def test_an_instance_on_a_full_disk_goes_on_by_itself_when_there_is_room_again(data: Path) -> None:
    (port,) = free_ports(1)
    up = reprise("up", "--detach", "--data", data, "--port", port, "--feed", "simulated", timeout=TIMEOUT_S)
    assert up.returncode == 0, up.stdout + up.stderr
    filler = data.parent / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(800_000_000))
    folder = InstanceFolder(data)
    # The broker or the database ends at its next write, and its services with it.
    eventually(lambda: supervisor.processes(folder), lambda found: any(one.restarts for one in found), TIMEOUT_S)
    for command in ("status", "logs"):
        assert "is full: " in reprise(command, "--data", data, timeout=60).stderr
    assert supervisor.is_running(folder), "the manager outlives it"
    filler.unlink()
    account = eventually(lambda: _account(port), lambda found: found is not None, TIMEOUT_S, pause_s=1.0)
    assert account is not None
    # What ended last is still starting, maybe.
    verify = partial(reprise, "audit", "verify", "--data", data, timeout=TIMEOUT_S)
    eventually(lambda: verify().returncode, lambda code: code == 0, TIMEOUT_S)


def _account(port: int) -> dict[str, object] | None:
    try:
        return account_of_new_user(port, f"{uuid4().hex}@example.com")
    except (httpx.HTTPError, AssertionError, KeyError, ValueError):
        return None
