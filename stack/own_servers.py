"""How an instance's own broker and database come up, each on a port that no other program has."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from runtime.errors import FixableError
from stack import supervisor
from stack.access import ADMIN, admin_of, lay_out_users, login, wait_until_let_in
from stack.instance import Instance, InstanceFolder
from stack.kafka import BrokerPorts, cluster_id, prepare_own_broker, wait_for_broker
from stack.passwords import passwords_of
from stack.patience import NotStarted, OtherServer, work_of
from stack.ports import LOOPBACK, PortClaims, is_free
from stack.postgres import database_url, postgres_command, prepare_postgres, wait_for_postgres
from stack.programs import servers

ATTEMPTS: Final = 5
MADE_PRIVATE: Final = (
    "The broker took anybody of this machine without a password. It asks for one now; its records are as they were. "
    "Programs of yours that read from it log in with what {file} says; `up --open-broker` lets anybody read prices"
)
PORT_TAKEN: Final = b"Address already in use"


class OwnServers:
    """The servers of an instance that are its own, and the instance as it is by now."""

    def __init__(
        self,
        folder: InstanceFolder,
        instance: Instance,
        claims: PortClaims,
        kept_port_taken: FixableError | None,
        report: Callable[[str], None],
    ) -> None:
        """kept_port_taken: what to say where the broker's port is lost; null where it may get another."""
        self.instance = instance
        self._folder = folder
        self._claims = claims
        self._kept_port_taken = kept_port_taken
        self._report = report
        self._passwords = passwords_of(folder)
        self._start_port = 0
        self._broker = None if instance.kafka_port is None else self._broker_command()
        port = instance.postgres_port
        self._database = None if port is None else prepare_postgres(folder.postgres, port, self._passwords, report)
        self.programs = servers(self._broker, self._database)
        # How long their logs were before they wrote to them.
        self._logged = {name: self._size_of_log(name) for name in ("kafka", "postgres")}

    @property
    def environment(self) -> dict[str, str]:
        """Where the services find a broker that is our own: its port may have changed since the manager started."""
        return {} if self.instance.kafka_port is None else {"KAFKA_BROKERS": self.instance.kafka_brokers}

    def wait_for_postgres(self) -> None:
        """Return when our own database answers; nothing where there is none."""
        if self.instance.postgres_port is not None:
            self._wait("postgres", "PostgreSQL", self._ask_postgres, self._move_postgres)

    def wait_for_kafka(self) -> None:
        """Return when our own broker answers; nothing where there is none."""
        if self.instance.kafka_port is not None:
            self._wait("kafka", "Kafka", self._ask_kafka, self._move_kafka)

    def _wait(self, name: str, title: str, ask: Callable[[], None], move: Callable[[], None]) -> None:
        for _ in range(ATTEMPTS):
            try:
                ask()
            except OtherServer:
                move()
            except NotStarted as error:
                if not self._found_port_taken(name):
                    why = supervisor.why_ended(self._folder, name)
                    said = f": {why}" if why else ""
                    raise FixableError(f"{error}{said}. {self._folder.command(f'logs {name}')} says more.") from error
                move()
            else:
                return
        raise FixableError(f"{title} got no port: {ATTEMPTS} were taken by other programs, one after another.")

    def _may_come_up(self, name: str) -> bool:
        """Whether a server runs and has not found its port taken: a broker takes a minute to end after that."""
        return supervisor.is_up(self._folder, name) and not self._found_port_taken(name)

    def _found_port_taken(self, name: str) -> bool:
        return PORT_TAKEN in _since(self._folder, name, self._logged[name])

    def _size_of_log(self, name: str) -> int:
        log = self._folder.log_of(name)
        return log.stat().st_size if log.exists() else 0

    def _ask_postgres(self) -> None:
        assert self.instance.postgres_port is not None, "it is our own"
        wait_for_postgres(
            self.instance.database_url,
            partial(self._may_come_up, "postgres"),
            folder=self._folder.postgres,
            progress=partial(self._progress, "postgres"),
        )

    def _ask_kafka(self) -> None:
        options = login(ADMIN, self._passwords[ADMIN], "PLAIN")
        wait_for_broker(
            self._start_port,
            partial(self._may_come_up, "kafka"),
            listens=partial(supervisor.listens, self._folder, "kafka", self._start_port),
            options=options,
            cluster=cluster_id(self._folder.kafka),
            progress=partial(self._progress, "kafka"),
        )
        if lay_out_users(admin_of(self._start_port, options), self._passwords):
            self._report(MADE_PRIVATE.format(file=self._folder.reader))
        assert self.instance.kafka_port is not None, "it is our own"
        wait_until_let_in(self.instance.kafka_port, self._passwords)

    def _move_postgres(self) -> None:
        port = self._claims.any()
        self.instance = msgspec.structs.replace(
            self.instance, postgres_port=port, database_url=database_url(port, self._passwords)
        )
        self._database = postgres_command(self._folder.postgres, port)
        self._replace("postgres", port)

    def _move_kafka(self) -> None:
        port, open_port = self.instance.kafka_port, self.instance.open_port
        assert port is not None, "it is our own"
        supervisor.pause(self._folder, "kafka")
        if self._kept_port_taken is None:
            port = self._claims.any()
        elif not is_free(port):
            raise self._kept_port_taken
        # Else it was another of its ports.
        if open_port is not None and not is_free(open_port):
            open_port = self._claims.any()
        self.instance = msgspec.structs.replace(
            self.instance,
            kafka_port=port,
            kafka_brokers=f"{LOOPBACK}:{port}",
            open_kafka_port=open_port or self.instance.open_kafka_port,
        )
        self._broker = self._broker_command()
        self._replace("kafka", port)

    def _replace(self, name: str, port: int) -> None:
        self._report(f"Another program took the port of {name} meanwhile; it gets {port}")
        supervisor.pause(self._folder, name)
        self.programs = servers(self._broker, self._database)
        self._logged[name] = self._size_of_log(name)
        supervisor.replace(self._folder, self.programs, name)
        self._folder.write(self.instance)

    def _broker_command(self) -> list[str]:
        assert self.instance.kafka_port is not None, "it is our own"
        self._start_port = self._claims.any()
        ports = BrokerPorts(self.instance.kafka_port, self._claims.any(), self._start_port, self.instance.open_port)
        return prepare_own_broker(self._folder.kafka, ports, self._passwords, self._report)

    def _progress(self, name: str) -> object:
        pid = next((one.pid for one in supervisor.processes(self._folder) if one.name == name), None)
        return work_of(pid, self._folder.log_of(name))


def _since(folder: InstanceFolder, name: str, began: int) -> bytes:
    """What a program has logged from there on; all of it, where the log was begun anew."""
    content = folder.log_of(name).read_bytes() if folder.log_of(name).exists() else b""
    return content[began:] if len(content) >= began else content
