"""Folders have any name and may be closed to others: an instance's programs start in them all the same, and again."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import FixableError
from stack import postgres, postgres_programs, supervisor
from stack.folders import in_one_line, require_nameable
from stack.foreground import running
from stack.instance import InstanceFolder
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import free_ports
from stack.postgres import prepare_postgres, wait_for_postgres
from stack.programs import Program
from tests.processes import DATABASE_PASSWORDS, eventually, url_of_database

TIMEOUT_S = 200
NAMES = [
    "my #1 projet é",
    "a;b ;c, d:e",
    "100% %(here)s %%",
    "\"quoted\" 'names' \\ back\\slash $HOME `id`",
    "-dash ends in a space ",
    "long" * 50,
]
TELLS = "import json, os, sys; print(json.dumps([os.getcwd(), sys.argv[1], os.environ['VALUE']]))"
NAMELESS = """
import os, pathlib, sys
from stack import postgres_programs
from stack.postgres import prepare_postgres
postgres_programs._wheel_folder = lambda: pathlib.Path(sys.argv[2])
os.environ.pop("HOME", None)
os.setgroups([])
os.setgid(12345)
os.setuid(12345)
prepare_postgres(pathlib.Path(sys.argv[1]), 1, {"postgres": "password"})
"""
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")


@pytest.mark.parametrize("name", NAMES)
def test_a_program_under_the_manager_gets_any_folder_argument_and_variable_as_they_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = InstanceFolder(tmp_path / name)
    folder.make()
    monkeypatch.chdir(folder.data)
    program = Program("tells", [sys.executable, "-c", TELLS, name], 10, {"VALUE": name}, once=True)
    manager = supervisor.start(folder, [program], {}, detach=False)
    try:
        eventually(
            lambda: supervisor.processes(folder), lambda seen: bool(seen) and seen[0].state == "FINISHED", TIMEOUT_S
        )
    finally:
        supervisor.stop(folder, print)
        manager.wait(60)
    assert json.loads((folder.logs / "tells.log").read_text("utf-8")) == [str(folder.data), name, name]


@given(command=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])), min_size=1))
def test_a_command_is_read_from_the_manager_s_settings_as_it_was_written(command: list[str]) -> None:
    line = in_one_line(command)
    assert not any(f"{space}{mark}" in line for space in " \t" for mark in "#;")
    assert shlex.split(line % {}) == command


@pytest.mark.parametrize("name", [b"two\nlines", b"latin \xe9"])
def test_a_folder_whose_name_no_settings_can_hold_is_refused_in_one_line(name: bytes, tmp_path: Path) -> None:
    with pytest.raises(FixableError, match="a line break, or bytes that are no text") as refusal:
        require_nameable(tmp_path / os.fsdecode(name), "the data folder")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "my #1 projet é, 100%",
        pytest.param("\"q\" 'n' \\ b\\n $HOME", marks=pytest.mark.slow),
        pytest.param("long" * 50, marks=pytest.mark.slow),
    ],
)
def test_a_broker_and_a_database_start_twice_in_a_folder_of_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    folder = tmp_path / name
    for _ in range(2):
        port, controller_port, postgres_port = free_ports(3)
        broker = prepare_broker(folder / "kafka", port, controller_port, print, small=True)
        database = prepare_postgres(
            folder / "postgres", postgres_port, DATABASE_PASSWORDS, durable=False, ends_with_parent=True
        )
        with (
            running(broker, folder / "broker.log") as kafka,
            running(database, folder / "database.log") as postgres,
        ):
            wait_for_broker(port, lambda: kafka.poll() is None, TIMEOUT_S)  # Called within its own round.
            wait_for_postgres(url_of_database(postgres_port), lambda: postgres.poll() is None, TIMEOUT_S)
        assert (folder / "kafka" / "log" / "meta.properties").exists()
        shutil.move(folder, folder.with_name(f"{folder.name[:40]} moved"))
        folder = folder.with_name(f"{folder.name[:40]} moved")


@AS_ROOT
def test_root_s_database_runs_without_root_s_rights_from_a_home_that_is_closed_to_others(
    closed_wheel: Path, tmp_path: Path
) -> None:
    assert oct(tmp_path.stat().st_mode & 0o777) == "0o700"
    (port,) = free_ports(1)
    command = prepare_postgres(
        tmp_path / "data" / "postgres", port, DATABASE_PASSWORDS, durable=False, ends_with_parent=True
    )
    assert not any(str(closed_wheel) in part for part in command)
    with running(command, tmp_path / "output") as process:
        wait_for_postgres(url_of_database(port), lambda: process.poll() is None, TIMEOUT_S)
        rights = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        with (
            closing(psycopg.connect(url_of_database(port).replace("+psycopg", ""))) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT pg_read_file('/etc/shadow')")
    assert {line.split()[1] for line in rights.splitlines() if line.startswith(("CapEff", "CapPrm"))} == {"0" * 16}


@AS_ROOT
def test_the_copy_of_the_database_s_programs_is_mended_where_files_of_it_are_gone(closed_wheel: Path) -> None:
    programs = postgres_programs.programs_folder()
    assert programs.is_relative_to(os.environ["REPRISE_CACHE"])
    lost = programs.parent / "share" / "postgresql" / "postgres.bki"
    size = lost.stat().st_size
    lost.unlink()
    assert postgres_programs.programs_folder() == programs
    assert lost.stat().st_size == size > 0


@AS_ROOT
def test_root_s_database_starts_from_a_copy_that_root_made(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    prepare_postgres(tmp_path / "postgres", port, DATABASE_PASSWORDS, durable=False)
    shutil.copytree(tmp_path / "postgres", tmp_path / "copy")
    command = prepare_postgres(tmp_path / "copy", port, DATABASE_PASSWORDS, durable=False, ends_with_parent=True)
    with running(command, tmp_path / "output") as process:
        wait_for_postgres(url_of_database(port), lambda: process.poll() is None, TIMEOUT_S)


@AS_ROOT
def test_a_user_without_a_name_lays_out_a_database_or_one_line_names_the_missing_entry() -> None:
    open_folder = Path(tempfile.mkdtemp(prefix="reprise-nameless-"))
    try:
        # The project may be in root's home: the programs are where all may go, and the user is changed after all is
        # imported.
        copy_wheel(open_folder / "wheel")
        for path in (open_folder, *open_folder.rglob("*")):
            os.chown(path, 12_345, 12_345, follow_symlinks=False)
        result = subprocess.run(
            [sys.executable, "-c", NAMELESS, str(open_folder / "postgres"), str(open_folder / "wheel")],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        laid_out = (open_folder / "postgres" / "PG_VERSION").exists()
    finally:
        shutil.rmtree(open_folder)
    assert laid_out or "This user (id 12345) has no entry in /etc/passwd" in result.stderr.splitlines()[-1]


@pytest.fixture
def closed_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The programs where others may not go, as in a clone in root's home, and a cache where they may."""
    wheel = tmp_path / "wheel"
    copy_wheel(wheel)
    cache = Path(tempfile.mkdtemp(prefix="reprise-cache-"))
    cache.chmod(0o755)
    monkeypatch.setattr(postgres_programs, "_wheel_folder", lambda: wheel)
    monkeypatch.setenv("REPRISE_CACHE", str(cache))
    yield wheel
    shutil.rmtree(cache)


def copy_wheel(wheel: Path) -> None:
    """Copy what is needed of the programs' wheel into a folder."""
    for name in postgres_programs.NEEDED:
        source = postgres_programs._wheel_folder() / name
        (wheel / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, wheel / name)
        else:
            shutil.copy(source, wheel / name)


@AS_ROOT
def test_root_s_database_of_a_version_that_lent_it_nobody_belongs_to_no_other_program_from_its_next_start_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    for module in (postgres, postgres_programs):
        monkeypatch.setattr(module, "unprivileged_ids", postgres_programs.nobody_ids)
    prepare_postgres(tmp_path / "postgres", port, DATABASE_PASSWORDS, durable=False)
    monkeypatch.undo()
    owner = postgres_programs.unprivileged_ids()[0]
    command = prepare_postgres(tmp_path / "postgres", port, DATABASE_PASSWORDS, durable=False, ends_with_parent=True)
    with running(command, tmp_path / "output") as process:
        wait_for_postgres(url_of_database(port), lambda: process.poll() is None, TIMEOUT_S)
        assert {path.stat().st_uid for path in (tmp_path / "postgres").rglob("*")} == {owner}
        assert Path(f"/proc/{process.pid}").stat().st_uid == owner
    assert owner in {postgres_programs.OWN_ID, postgres_programs.nobody_ids()[0]}
