"""A service runs as a process for a test, and never longer than the test itself."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from runtime.python import python_command, reprise_command
from runtime.settings import Settings
from stack.foreground import ending_with_parent
from stack.ports import free_ports
from stack.postgres import database_url
from stack.postgres_roles import SUPERUSER

STOP_TIMEOUT_S: Final = 60.0
# Of a database that is a test's own, and has no other role.
DATABASE_PASSWORDS: Final = {SUPERUSER: "a-password-of-the-tests"}
OF_OTHER_SERVERS: Final = ("KAFKA_BROKERS", "DATABASE_URL", "JWT_SECRET")

Seen = TypeVar("Seen")
Started = TypeVar("Started", bound="ServiceProcess")


class ServiceProcess:
    """`reprise run NAME` with some settings; or other code that runs in its place."""

    def __init__(self, name: str, settings: Settings, output: Path, code: str | None = None) -> None:
        self.settings = settings
        self.output = output
        self._program = reprise_command("run", name) if code is None else python_command("-c", code)
        self.process = self._start()

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self.output.read_text(encoding="utf-8")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def restart(self) -> None:
        """Start it again after it ended."""
        assert self.process.poll() is not None, "it still runs"
        self.process = self._start()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def _start(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as sink:
            return subprocess.Popen(
                self._program,
                env=os.environ | environment_of(self.settings),
                cwd=self.output.parent,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                preexec_fn=ending_with_parent,  # noqa: PLW1509  # It takes no lock that another thread could hold.
            )


def reprise(*arguments: object, timeout: float, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Type a command, and what it asks for, on a machine where no broker or database is named."""
    typed_words = [str(each) for each in arguments]
    environment = {name: value for name, value in os.environ.items() if name not in OF_OTHER_SERVERS}
    if typed_words[0] == "up":
        environment.setdefault("KAFKA_PORT", str(_kafka_port_of(typed_words[typed_words.index("--data") + 1])))
    return subprocess.run(
        reprise_command(*typed_words),
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@cache
def _kafka_port_of(_data: str) -> int:
    """The port of an instance's broker: its usual one could be another test's when the instance starts again."""
    return free_ports(1)[0]


@contextmanager
def gone_at_the_end(started: Started) -> Iterator[Started]:
    """Give the process, and see to it that it has ended when the block has, however that ends."""
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.send(signal.SIGCONT)
            try:
                started.stop()
            except subprocess.TimeoutExpired:
                started.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process finds these settings by."""
    return {
        str(field.validation_alias): str(value)
        for name, field in Settings.model_fields.items()
        if isinstance(field.validation_alias, str) and isinstance(value := getattr(settings, name), str | int | Path)
    }


def url_of_database(port: int) -> str:
    """DATABASE_URL of a database that is a test's own."""
    return database_url(port, DATABASE_PASSWORDS, SUPERUSER)


def eventually(
    look: Callable[[], Seen], holds: Callable[[Seen], bool], timeout_s: float = 45.0, pause_s: float = 0.05
) -> Seen:
    """Look again until something holds; what was seen then."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = look()
        if holds(seen):
            return seen
        assert time.monotonic() < deadline, f"not in {timeout_s:.0f} s: {seen!r}"
        time.sleep(pause_s)
