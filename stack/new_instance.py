"""How the folder of a new instance is filled: beside its place, its servers running without services, then named."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.errors import FixableError
from runtime.files import sync_folder
from stack.access import restrict_transactions
from stack.foreground import running
from stack.instance import InstanceFolder
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from stack.postgres import database_url, ensure_database, prepare_postgres, wait_for_postgres

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
def broker_of(folder: InstanceFolder, report: Report) -> Iterator[str]:
    """The brokers, host:port, of the folder's own Kafka, which runs for the length of the block."""
    port, controller_port = free_ports(2)
    command = prepare_broker(folder.kafka, port, controller_port, report)
    with running(command, folder.logs / "kafka.log") as process:
        wait_for_broker(port, lambda: process.poll() is None, READY_TIMEOUT_S)
        restrict_transactions(port)
        yield f"{LOOPBACK}:{port}"


@contextmanager
def database_of(folder: InstanceFolder) -> Iterator[str]:
    """DATABASE_URL of the folder's own PostgreSQL, which runs for the length of the block."""
    (port,) = free_ports(1)
    command = prepare_postgres(folder.postgres, port, ends_with_parent=True)
    with running(command, folder.logs / "postgres.log", stop=signal.SIGINT) as process:
        wait_for_postgres(port, lambda: process.poll() is None, READY_TIMEOUT_S)
        ensure_database(port)
        yield database_url(port)
