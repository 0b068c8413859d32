"""Where an instance keeps its things under `--data`, and what it records about itself."""

import fcntl
import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from runtime.errors import FixableError
from runtime.settings import DEFAULT_DATA

# A unix socket's path may have 107 bytes, and supervisor first makes it under a name with its process id.
SOCKET_PATH_MAX: Final = 95
LOG_FOLDER: Final = "log"  # of the broker, in its own folder
PROJECT: Final = Path(__file__).resolve().parents[1]


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """What `up` decided, for the other commands to find: `instance.json`."""

    api_port: int
    engine_ports: list[int]
    standby_ports: list[int] = []  # by worker; none without standbys
    market_data_port: int
    projector_port: int
    venue_port: int = 6069
    replay_port: int = 6070
    api_pages_port: int = 6071
    more_api_pages_ports: list[int] = []  # of the API's further processes, which share its port
    seed_ports: list[int] = []  # on which the API listens too
    kafka_brokers: str
    kafka_port: int | None  # null where KAFKA_BROKERS named a running one
    open_kafka_port: int | None = None  # without a password; kept once there was one
    has_open_broker: bool = False  # now
    cluster_id: str | None = None  # of the only Kafka that is believed; null before the first start is done
    topic_ids: dict[str, str] = {}
    database_url: str
    postgres_port: int | None  # null where DATABASE_URL named a running one
    shards: int
    feed: str
    feed_symbol: str | None = None  # of a recording of bars, where it was named
    started_at: str

    @property
    def open_port(self) -> int | None:
        """Where the broker takes whoever comes, without a password; null where it takes nobody so."""
        return self.open_kafka_port if self.has_open_broker else None


def command_line(arguments: str) -> str:
    """Give a command as it can be pasted where this one was typed."""
    program = PROJECT / "reprise"
    typed = "./reprise" if Path.cwd() == PROJECT or not program.exists() else shlex.quote(str(program))
    return f"`{typed} {arguments}`"


class InstanceFolder:
    """The files of an instance, by what they are for."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.record = self.data / "instance.json"
        self.secrets = self.data / "secrets.env"
        self.reader = self.data / "kafka-reader.properties"
        self.java_reader = self.data / "kafka-reader-java.properties"
        self.database_reader = self.data / "postgres-reader.conf"
        self.passwords = self.data / "passwords.env"
        self.secrets_of_programs = self.data / "secrets"
        self.kafka = self.data / "kafka"
        self.kafka_log = self.kafka / LOG_FOLDER
        self.postgres = self.data / "postgres"
        self.logs = self.data / "logs"
        self.supervisor_settings = self.data / "supervisord.conf"
        self.supervisor_pid = self.data / "supervisord.pid"
        self.supervisor_log = self.logs / "supervisor.log"
        self.lock = self.data / "up.lock"

    @property
    def supervisor_logs(self) -> list[Path]:
        """The manager's log since its start, oldest part first: there are two parts at most."""
        return [
            log
            for log in (self.supervisor_log.with_name(f"{self.supervisor_log.name}.1"), self.supervisor_log)
            if log.exists()
        ]

    def log_of(self, name: str) -> Path:
        """What a program writes."""
        return self.logs / f"{name}.log"

    def secrets_of(self, name: str) -> Path:
        """The secrets of a program."""
        return self.secrets_of_programs / f"{name}.json"

    def command(self, name: str) -> str:
        """Give a command as it can be pasted to mean this instance."""
        at_home = self.data == PROJECT / DEFAULT_DATA and "REPRISE_DATA" not in os.environ
        return command_line(name if at_home else f"{name} --data {shlex.quote(str(self.data))}")

    @property
    def control_socket(self) -> Path:
        """In the data folder, or where its path is too long for a socket, under a short name of its own."""
        natural = self.data / "control.sock"
        if len(os.fsencode(natural)) <= SOCKET_PATH_MAX:
            return natural
        short = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        # Not where TMPDIR says: it may be long itself, and another in the shell of the next command.
        temporary = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108  # The name is unique.
        return Path(temporary) / f"reprise-{os.geteuid()}-{short}.sock"

    def make(self) -> None:
        """Make the folder, and see to it that what programs write there is its owner's alone."""
        folder = self.logs
        try:
            if not self.data.exists():
                self.data.mkdir(parents=True, mode=0o700)
            for folder in (self.logs, self.secrets_of_programs):
                folder.mkdir(exist_ok=True)
            # Those that a version before made may be open to others.
            for folder in (self.logs, self.secrets_of_programs, self.kafka):
                if folder.exists():
                    folder.chmod(0o700)
        except OSError as error:
            raise FixableError(f"Cannot make {folder}: {error.strerror}. Name another folder with --data.") from error

    def read(self) -> Instance | None:
        """What the last `up` decided, whether it runs or not; null before the first."""
        try:
            return msgspec.json.decode(self.record.read_bytes(), type=Instance)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            return None  # Written by another version: the next `up` writes it anew.

    def write(self, instance: Instance) -> None:
        write_private(self.record, msgspec.json.format(msgspec.json.encode(instance), indent=2))

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the right to start or stop this instance; FixableError while another command does."""
        self.make()
        with self.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FixableError(f"Another command is starting or stopping the instance in {self.data}.") from None
            yield


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner reads, whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    scratch.replace(path)
