"""How a broker or a database is had for a while, and leaves nothing behind: for tests and benches."""

import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.foreground import running
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from stack.postgres import database_url, prepare_postgres, wait_for_postgres
from stack.postgres_roles import SUPERUSER


@contextmanager
def temporary_broker(*, small: bool) -> Iterator[str]:
    """The brokers, host:port, of a Kafka that is gone with its data at the end."""
    port, controller_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="reprise-kafka-") as folder:
        command = prepare_broker(Path(folder), port, controller_port, print, small=small)
        # Its data is gone anyway: it need not put it in order first.
        with running(command, Path(folder) / "output", stop=signal.SIGKILL) as process:
            wait_for_broker(port, lambda: process.poll() is None)
            yield f"{LOOPBACK}:{port}"


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """DATABASE_URL of the database `postgres` of a server that is gone with its data at the end."""
    (port,) = free_ports(1)
    passwords = {SUPERUSER: secrets.token_urlsafe()}
    url = database_url(port, passwords, SUPERUSER)
    with tempfile.TemporaryDirectory(prefix="reprise-postgres-") as folder:
        command = prepare_postgres(Path(folder) / "data", port, passwords, durable=False, ends_with_parent=True)
        with running(command, Path(folder) / "output", stop=signal.SIGINT) as process:
            wait_for_postgres(url, lambda: process.poll() is None)
            yield url
