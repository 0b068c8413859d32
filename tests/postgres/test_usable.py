"""A database that does not answer, is too old, or is behind a pooler that keeps no session is refused in one line."""

import io
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from api.store import database as api_database
from cli.backup import database as backup_database
from cli.database import migrate_url
from cli.main import call
from projector import database as projector_database
from runtime import postgres as usable
from runtime.errors import FixableError
from stack.foreground import running
from stack.ports import LOOPBACK, accepts_connections, free_ports
from tests.processes import eventually

MARKET = """\
[[instruments]]
symbol = "DOGE_USDC"
tick_exponent = 5
lot_exponent = 0
quantity_max = 5000000
"""
SETTINGS = """\
[databases]
* = host={host} port={server} user=postgres
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = {ignored}
"""


def test_a_server_of_this_version_is_usable(database_url: str) -> None:
    usable.require_usable(database_url)


def test_an_older_server_is_refused_with_the_version_that_is_needed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usable, "OLDEST", 99)
    with pytest.raises(FixableError, match=r"^The PostgreSQL of DATABASE_URL is version 18; 99 or newer is needed\.$"):
        migrate_url(database_url)


def test_a_server_that_does_not_answer_is_refused_in_one_line() -> None:
    (port,) = free_ports(1)
    with pytest.raises(FixableError, match=r"^The database cannot be used: ") as refused:
        migrate_url(f"postgresql+psycopg://postgres@{LOOPBACK}:{port}/postgres")
    assert len(refused.value.lines) == 1


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["user", "add", "ada@example.com"],
        ["account", "deposit", "ada@example.com", "5", "--as", "bob@example.com", "--reason", "bonus"],
        ["projector", "rebuild"],
        ["instruments", "markets.toml"],
        ["backup", "kept.tar"],
    ],
    ids=" ".join,
)
def test_a_command_says_in_one_line_that_the_database_does_not_answer(
    command: list[str],
    listens: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "markets.toml").write_text(MARKET)
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    for module in (usable, api_database, projector_database, backup_database):
        name = "TIMEOUT_S" if hasattr(module, "TIMEOUT_S") else "CONNECT_TIMEOUT_S"
        monkeypatch.setattr(module, name, 2)  # libpq takes no shorter one
    # A server that is frozen is one that takes the connection and says nothing.
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        if not listens:
            silent.close()
        monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres:secret@{LOOPBACK}:{port}/postgres")
        monkeypatch.setenv("KAFKA_BROKERS", f"{LOOPBACK}:1")
        assert call(command) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"reprise: The database cannot be used: no PostgreSQL answers at {LOOPBACK}:{port}.")
    assert said.count("\n") == 1


def test_a_server_s_refusal_is_said_in_its_own_words_without_the_driver_s(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database_url}_none")
    monkeypatch.setenv("KAFKA_BROKERS", f"{LOOPBACK}:1")
    assert call(["migrate"]) == 1
    said = capsys.readouterr().err
    assert re.match(
        r'reprise: The database cannot be used: PostgreSQL at \S+ says: database "\w+" does not exist\. ', said
    )
    assert said.count("\n") == 1


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="PgBouncer is not installed")
@pytest.mark.parametrize(
    ("mode", "ignored", "said"),
    [
        ("transaction", "", "unsupported startup parameter: options"),
        ("transaction", "options", "keeps no session for a connection"),
        ("statement", "options", "keeps no session for a connection"),
        ("session", "options", "keeps no session for a connection"),
    ],
)
def test_a_pooler_that_keeps_no_session_for_a_connection_is_refused(
    mode: str, ignored: str, said: str, database_url: str, tmp_path: Path
) -> None:
    with pooler(database_url, tmp_path, mode, ignored) as url, pytest.raises(FixableError, match=said) as refused:
        migrate_url(url)
    assert len(refused.value.lines) == 1
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'ledger'").fetchone() == (0,)


@contextmanager
def pooler(database_url: str, folder: Path, mode: str, ignored: str) -> Iterator[str]:
    """DATABASE_URL of the same database behind PgBouncer."""
    address, _, database = database_url.rpartition("/")
    server, (port,) = address.rpartition(":")[2], free_ports(1)
    folder.chmod(0o755)
    file = folder / "pgbouncer.ini"
    file.write_text(SETTINGS.format(host=LOOPBACK, server=server, port=port, mode=mode, ignored=ignored))
    name = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    user = ["-u", "nobody"] if name == "root" else []
    with running(["pgbouncer", *user, str(file)], folder / "output"):
        eventually(lambda: accepts_connections(port), bool)
        yield f"postgresql+psycopg://postgres@{LOOPBACK}:{port}/{database}"
