"""How a local PostgreSQL is laid out, started and known to be ready."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from runtime.errors import FixableError
from stack.folders import IN_FOLDER
from stack.patience import NotStarted, OtherServer, Patience
from stack.ports import LOOPBACK
from stack.postgres_programs import (
    ANOTHER_SERVER,
    as_unprivileged,
    nobody_ids,
    programs_folder,
    unprivileged_ids,
    with_a_name,
)
from stack.postgres_roles import AUDIT, DATABASE, OWNER, SUPERUSER, lay_out_roles
from stack.postmaster import postmaster_pid

SILENCE_S: Final = 60.0
INITDB_TIMEOUT_S: Final = 120.0
RUNS_IN: Final = "/proc/self/cwd"
MADE_PRIVATE: Final = (
    "The database took any user of this machine without a password. It has a role for each service now, with a "
    "password of its own; all rows are as they were"
)
# What a server says to whom it does not know; ours knows its own roles.
NOT_LET_IN: Final = (
    "authentication failed",
    "authentication method requirement",
    "no pg_hba.conf entry",
    "does not exist",
)

SERVER_OPTIONS: Final = {
    "listen_addresses": LOOPBACK,
    # TCP only: a socket file's path may be at most 107 characters, and a data folder's name is anyone's choice.
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    # More than the roles have together, so that none keeps another out.
    "max_connections": "200",
    # Nobody notifies anybody here: what nobody takes away would grow to 8 GB.
    "max_notify_queue_pages": "64",
    # A connection that names no password has its place among the others for so long.
    "authentication_timeout": "10s",
    "log_min_messages": "warning",
    "log_line_prefix": "%m ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A database that lives for one test session need not survive a power cut.
NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def prepare_postgres(
    folder: Path,
    port: int,
    passwords: Mapping[str, str],
    report: Callable[[str], None] = lambda _: None,
    *,
    durable: bool = True,
    ends_with_parent: bool = False,
) -> list[str]:
    """Lay out the data folder if it is new, and its roles at any time; the command that runs the server.

    No server runs there yet. passwords: of each role; of the superuser only where there is nobody else.
    """
    folder = folder.absolute()
    is_new = _initialize(folder, programs_folder())
    _remove_stale_pid_file(folder)
    if lay_out_roles(folder, alone_command(folder), passwords) and not is_new:
        report(MADE_PRIVATE)
    return postgres_command(folder, port, durable=durable, ends_with_parent=ends_with_parent)


def postgres_command(folder: Path, port: int, *, durable: bool = True, ends_with_parent: bool = False) -> list[str]:
    """The command that runs the server of a data folder that is laid out, in the foreground."""
    folder = folder.absolute()
    options = SERVER_OPTIONS | {"port": str(port)} | ({} if durable else NOT_DURABLE)
    assignments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    server = [str(programs_folder() / "postgres"), "-D", _as_it_is_reached(folder), *assignments]
    return [*IN_FOLDER, str(folder), *as_unprivileged(ends_with_parent=ends_with_parent), *server]


def alone_command(folder: Path) -> list[str]:
    """What runs statements as the superuser in a data folder that no server runs; the name of a database follows."""
    programs = [*as_unprivileged(), *with_a_name(), str(programs_folder() / "postgres")]
    return [*programs, "--single", "-D", _as_it_is_reached(folder)]


def wait_for_postgres(
    url: str,
    is_running: Callable[[], bool],
    silence_s: float = SILENCE_S,
    *,
    folder: Path | None = None,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Return when the server of a URL takes queries. NotStarted when it stopped, or made no progress for so long.

    OtherServer when one answers there that does not know the password, or whose data are not in this folder, where that
    is known.
    """
    patience = Patience(silence_s)
    while True:
        try:
            with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=2) as connection:
                data = _data_folder(connection)
        except psycopg.OperationalError as error:
            if folder is not None and any(said in str(error) for said in NOT_LET_IN):
                raise OtherServer("Another PostgreSQL answers at the port of this instance's.") from error
            if not is_running():
                raise NotStarted("PostgreSQL stopped while it was starting") from error
            if patience.is_over(progress()):
                raise NotStarted(f"PostgreSQL did not answer, and did nothing for {silence_s:.0f} s") from error
            time.sleep(0.05)
        else:
            if folder is not None and data != folder.resolve():
                raise OtherServer(f"At the port of this instance's PostgreSQL another one answers, of {data}.")
            return


def database_url(port: int, passwords: Mapping[str, str], role: str = OWNER) -> str:
    """What DATABASE_URL says for the local server: a server that does not know the password is not believed."""
    name = SUPERUSER if role == SUPERUSER else DATABASE
    return f"postgresql+psycopg://{role}:{passwords[role]}@{LOOPBACK}:{port}/{name}?require_auth=scram-sha-256"


def service_file(port: int, passwords: Mapping[str, str]) -> str:
    """The local server for the role that reads, as a connection service file of libpq: no password on a command line.

    Only what every libpq knows stands in it.
    """
    options = {"host": LOOPBACK, "port": port, "dbname": DATABASE, "user": AUDIT, "password": passwords[AUDIT]}
    return f"[{DATABASE}]\n" + "".join(f"{name}={value}\n" for name, value in options.items())


def _data_folder(connection: psycopg.Connection[Any]) -> Path:
    """The server's data folder; of one that root started, where its process runs, which is gone with the connection."""
    row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None, "it is a setting of every server"
    return Path(row[0] if row[0] != RUNS_IN else f"/proc/{connection.info.backend_pid}/cwd").resolve()


def _as_it_is_reached(folder: Path) -> str:
    """What names the data folder to a program that runs in it.

    Root enters it, and gives up root's rights afterwards: the folders above may be closed to the server's user.
    """
    return RUNS_IN if os.geteuid() == 0 and sys.platform == "linux" else str(folder)


def _initialize(folder: Path, programs: Path) -> bool:
    """Lay out a database, or take over the one that is there; whether it is new."""
    if folder.exists():
        _take_over(folder)
        return False
    # Laid out beside its place and then renamed, so that an interrupted layout is not taken for a database.
    fresh = folder.with_name(f".{folder.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise FixableError(f"Cannot make {fresh}: {error.strerror}. Name another folder with --data.") from error
    if os.geteuid() == 0:
        _give_to_unprivileged(fresh)
    arguments = ["-D", _as_it_is_reached(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale"]
    result = subprocess.run(
        [*as_unprivileged(), *with_a_name(), str(programs / "initdb"), *arguments],
        cwd=fresh,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=INITDB_TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise FixableError(f"PostgreSQL could not initialise {folder}: {(result.stderr or result.stdout).strip()}")
    fresh.rename(folder)
    return True


def _take_over(folder: Path) -> None:
    """See to it that a database from before is the server's user's; FixableError where it is another user's."""
    owner = folder.stat().st_uid
    wanted = unprivileged_ids()[0] if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0 and owner != wanted and owner in (0, nobody_ids()[0]):
        # Root copied it, or took it out of an archive; or it is of a version that lent it nobody.
        _give_to_unprivileged(folder)
    elif owner != wanted:
        raise FixableError(
            f"{folder} belongs to another user (id {owner}). Start as the user who made it, or name another --data."
        )


def _give_to_unprivileged(folder: Path) -> None:
    user, group = unprivileged_ids()
    try:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, group, follow_symlinks=False)
    except OSError as error:
        raise FixableError(
            f"PostgreSQL does not run as root, and root may not give {folder} to another user here "
            f"({error.strerror}). {ANOTHER_SERVER}"
        ) from error


def _remove_stale_pid_file(folder: Path) -> None:
    """After a crash the old server's pid file stays, and its pid may be another program's by now."""
    if postmaster_pid(folder) is None:
        (folder / "postmaster.pid").unlink(missing_ok=True)
