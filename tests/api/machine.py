"""A broker and a database that a test can stop, freeze and start again, with the services on them."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runtime.topics import ensure_topics
from stack.foreground import running
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from stack.postgres import prepare_postgres, wait_for_postgres
from stack.process_tree import process_tree
from tests.api.conftest import settings_of
from tests.api.exchange import Exchange, Service, service
from tests.processes import DATABASE_PASSWORDS, url_of_database


class Machine:
    """A broker and a database that can be stopped and started again, and the services on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._broker = ExitStack()
        self._database = ExitStack()
        self._services: dict[str, tuple[ExitStack, Service]] = {}
        broker_port, controller_port, self._database_port = free_ports(3)
        self._broker_port = broker_port
        self._broker_command = prepare_broker(folder / "kafka", broker_port, controller_port, print, small=True)
        folder.chmod(0o755)
        self._database_command = prepare_postgres(
            folder / "postgres", self._database_port, DATABASE_PASSWORDS, durable=False
        )
        self.start_broker()
        self.start_database()
        url = url_of_database(self._database_port)
        self.settings = settings_of(f"{LOOPBACK}:{broker_port}", url, folder)
        ensure_topics(self.settings)
        self.exchange = Exchange(self.settings, folder)

    def start_broker(self) -> None:
        self.broker_process = self._broker.enter_context(running(self._broker_command, self.folder / "broker"))
        wait_for_broker(self._broker_port, lambda: self.broker_process.poll() is None)

    def stop_broker(self) -> None:
        self._broker.close()

    def start_database(self) -> None:
        self.database_process = self._database.enter_context(
            running(self._database_command, self.folder / "database", stop=signal.SIGINT)
        )
        wait_for_postgres(url_of_database(self._database_port), lambda: self.database_process.poll() is None)

    def stop_database(self) -> None:
        self._database.close()

    @contextmanager
    def frozen_database(self) -> Iterator[None]:
        """Its connections stay open, and nothing answers on them."""
        frozen = process_tree(self.database_process.pid)
        try:
            for each in frozen:
                each.suspend()
            yield
        finally:
            for each in frozen:
                each.resume()

    def start(self, package: str) -> Service:
        stack = ExitStack()
        started = stack.enter_context(service(package, self.settings, self.folder))
        self._services[package] = (stack, started)
        return started

    def stop(self, package: str) -> None:
        stack, _ = self._services.pop(package)
        stack.close()

    def close(self) -> None:
        self.exchange.close()
        for package in list(self._services):
            self.stop(package)
        self.stop_database()
        self.stop_broker()
