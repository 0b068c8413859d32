"""How the folder of a new instance is filled: beside its place, its servers running without services, then named."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from runtime.errors import FixableError
from runtime.files import sync_folder
from runtime.settings import Settings
from stack.access import ADMIN, admin_of, as_user, lay_out_users, login, wait_until_let_in
from stack.foreground import running
from stack.instance import InstanceFolder
from stack.kafka import BrokerPorts, prepare_own_broker, wait_for_broker
from stack.passwords import passwords_of
from stack.ports import LOOPBACK, free_ports
from stack.postgres import database_url, prepare_postgres, wait_for_postgres
from stack.postgres_roles import grant
from stack.supervisor import listens_at

UNFINISHED: Final = ".unfinished"
READY_TIMEOUT_S: Final = 300.0  # Nobody waits for its prices, and a machine may be slow.

Report = Callable[[str], None]


@contextmanager
def new_instance(data: Path) -> Iterator[InstanceFolder]:
    """A folder to fill, which becomes `data` where the block ends well, and is gone where it does not.

    FixableError where `data` holds anything.
    """
    require_new(data)
    unfinished = data.with_name(data.name + UNFINISHED)
    folder = InstanceFolder(unfinished)
    folder.make()
    try:
        yield folder
        unfinished.rename(data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sync_folder(data.parent)


def require_new(data: Path) -> None:
    """Refuse a folder that holds anything, or one beside which an earlier command did not end."""
    unfinished = data.with_name(data.name + UNFINISHED)
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise FixableError(f"{data} is not empty; name a new folder with --data.")
    if unfinished.exists():
        raise FixableError(f"{unfinished} is what a command that did not end left. Remove it, or name another folder.")


@contextmanager
def broker_of(folder: InstanceFolder, settings: Settings, report: Report) -> Iterator[Settings]:
    """The settings that reach the folder's own Kafka, which runs for the length of the block."""
    ports = BrokerPorts(*free_ports(3))
    passwords = passwords_of(folder)
    command = prepare_own_broker(folder.kafka, ports, passwords, report)
    options = login(ADMIN, passwords[ADMIN], "PLAIN")
    with running(command, folder.logs / "kafka.log") as process:
        wait_for_broker(
            ports.start,
            lambda: process.poll() is None,
            READY_TIMEOUT_S,
            listens=partial(listens_at, process.pid, ports.start),
            options=options,
        )
        lay_out_users(admin_of(ports.start, options), passwords)
        wait_until_let_in(ports.clients, passwords)
        yield as_user(settings, f"{LOOPBACK}:{ports.clients}", passwords)


@contextmanager
def database_of(folder: InstanceFolder) -> Iterator[str]:
    """DATABASE_URL of the folder's own PostgreSQL, which runs for the length of the block."""
    (port,) = free_ports(1)
    passwords = passwords_of(folder)
    url = database_url(port, passwords)
    command = prepare_postgres(folder.postgres, port, passwords, ends_with_parent=True)
    with running(command, folder.logs / "postgres.log", stop=signal.SIGINT) as process:
        wait_for_postgres(url, lambda: process.poll() is None, READY_TIMEOUT_S)
        yield url
        grant(url)
