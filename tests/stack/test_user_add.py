"""The first administrator is added with a password from a pipe or a terminal, never from an argument."""

import io

import pytest
import sqlalchemy

from api.store.migrate import migrate
from cli.main import call
from tests.conftest import SettingsFactory


@pytest.fixture
def database(database_url: str, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    migrate(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("KAFKA_BROKERS", settings().kafka_brokers)
    return database_url


def roles(database_url: str) -> dict[str, str]:
    engine = sqlalchemy.create_engine(database_url)
    with engine.connect() as db:
        found = {row.email: row.role for row in db.execute(sqlalchemy.text("SELECT email, role FROM auth.users"))}
    engine.dispose()
    return found


def test_user_add_reads_the_password_from_a_pipe_and_changes_the_role_of_an_existing_user(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert call(["user", "add", "ada@example.com", "--role", "admin"]) == 0
    assert roles(database) == {"ada@example.com": "admin"}
    assert "ada@example.com may log in, with role admin." in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert call(["user", "add", "ada@example.com"]) == 0
    assert roles(database) == {"ada@example.com": "user"}


@pytest.mark.parametrize(("piped", "line"), [("", "A password is needed"), ("short\n", "password: ")])
def test_without_an_acceptable_password_no_user_is_added(
    piped: str, line: str, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(piped))
    assert call(["user", "add", "ada@example.com"]) == 1
    assert line in capsys.readouterr().err
    assert roles(database) == {}
