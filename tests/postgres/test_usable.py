"""A database server that is too old is refused by name, and so is a pooler that keeps no session for a connection."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cli.database import migrate_url
from runtime import postgres as usable
from runtime.errors import FixableError
from stack.foreground import running
from stack.ports import LOOPBACK, accepts_connections, free_ports
from tests.processes import eventually

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
