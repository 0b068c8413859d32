"""A file `.env` with secrets is the owner's alone, or a start says so; in production it is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import call
from stack.exposed_files import exposed_files, readable_by_others
from stack.ports import free_ports

SECRET = "JWT_SECRET=a-secret-that-is-long-enough-for-a-test-0123456789\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that any user may enter."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == Path.home().owner() and folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    return tmp_path


def written(folder: Path, text: str, mode: int) -> Path:
    file = folder / ".env"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(("mode", "exposed"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
def test_a_file_with_a_secret_is_named_where_any_user_may_read_the_file(place: Path, mode: int, exposed: bool) -> None:
    file = written(place, SECRET, mode)
    assert exposed_files(place, place) == (
        {str(file): f"Any user of this machine may read {file}, which holds JWT_SECRET: chmod 600 it."}
        if exposed
        else {}
    )


@pytest.mark.parametrize("text", ["PORT=8001\n", "JWT_SECRET=\n", "# JWT_SECRET=x\n"])
def test_a_file_without_a_secret_may_be_read_by_anybody(place: Path, text: str) -> None:
    written(place, text, 0o644)
    assert exposed_files(place, place) == {}


def test_a_file_in_a_closed_folder_is_not_exposed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir()
    file = written(closed, SECRET, 0o644)
    assert readable_by_others(file)
    closed.chmod(0o700)
    assert not readable_by_others(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_another_user_reads_what_is_called_exposed_and_nothing_else(place: Path, mode: int) -> None:
    file = written(place, SECRET, mode)
    code = "import os, sys; os.setgid(54321); os.setuid(54321); open(sys.argv[1]).read()"
    read = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, check=False)
    assert (read.returncode == 0) == readable_by_others(file)


def test_production_is_refused_beside_an_exposed_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    file = written(place, SECRET + f"ENCRYPTION_KEY={'00' * 32}\n", 0o644)
    assert call(["up", "--detach", "--data", str(place), "--port", str(port)]) == 1
    assert f"Any user of this machine may read {file}" in capsys.readouterr().err
