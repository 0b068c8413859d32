"""The passwords of an instance's servers: made once; where their file was removed, made anew, and `up` says so."""

from pathlib import Path

import pytest

from stack import postgres
from stack.instance import InstanceFolder
from stack.passwords import passwords_for_start
from stack.ports import free_ports
from stack.postgres import prepare_postgres
from stack.postgres_roles import LAID_OUT


@pytest.fixture
def folder(tmp_path: Path) -> InstanceFolder:
    tmp_path.chmod(0o755)
    made = InstanceFolder(tmp_path / "data")
    made.make()
    return made


def test_passwords_without_their_file_are_made_anew_and_up_names_the_file_for_programs(
    folder: InstanceFolder,
) -> None:
    said: list[str] = []
    (port,) = free_ports(1)
    first = passwords_for_start(folder, said.append)
    prepare_postgres(folder.postgres, port, first, said.append)
    assert passwords_for_start(folder, said.append) == first
    prepare_postgres(folder.postgres, port, first, said.append)
    assert said == []
    folder.passwords.unlink()
    second = passwords_for_start(folder, said.append)
    assert not set(first.values()) & set(second.values())
    prepare_postgres(folder.postgres, port, second, said.append)
    (line,) = said
    assert line.startswith(
        f"There was no {folder.passwords}: the passwords of the broker and the database are made anew"
    )
    assert str(folder.reader) in line


def test_a_database_without_roles_gets_them_and_up_says_that_any_user_had_got_in(folder: InstanceFolder) -> None:
    said: list[str] = []
    (port,) = free_ports(1)
    passwords = passwords_for_start(folder, said.append)
    prepare_postgres(folder.postgres, port, passwords, said.append)
    (folder.postgres / LAID_OUT).unlink()
    prepare_postgres(folder.postgres, port, passwords, said.append)
    assert said == [postgres.MADE_PRIVATE]
