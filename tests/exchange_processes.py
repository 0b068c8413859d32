"""A whole exchange on this machine, of which each process can be killed, paused, stopped and started again."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from runtime.python import python_command, reprise_command
from runtime.settings import Settings
from runtime.topics import ensure_topics
from stack.foreground import ending_with_parent
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from stack.postgres import prepare_postgres, wait_for_postgres
from tests.api.exchange import Exchange
from tests.processes import DATABASE_PASSWORDS, environment_of, eventually, url_of_database

BROKER: Final = "broker"
DATABASE: Final = "database"
SERVICES: Final = ("engine", "projector", "market-data", "api")
STOP_TIMEOUT_S: Final = 60.0
RESTART_CHECK_S: Final = 0.1
SHARDS: Final = 4


class ManagedProcess:
    """One process, which may end and be started again."""

    def __init__(
        self,
        name: str,
        command: list[str],
        output: Path,
        *,
        env: dict[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        ready: Callable[[Callable[[], bool]], None] | None = None,
    ) -> None:
        self.name = name
        self.should_run = False
        self.starts = 0
        self._command = command
        self._output = output
        self._env = env
        self._stop_signal = stop_signal
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers where that is known."""
        with self._lock:
            self.should_run = True
            self._spawn()
        if self._ready is not None:
            self._ready(lambda: self.is_running)

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; whether there was a process to send it to."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return False
            self._process.send_signal(number)
            return True

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        self._end(self._stop_signal)

    def kill(self) -> None:
        """End it as a power cut would, and leave it ended."""
        self._end(signal.SIGKILL)

    def restart_if_dead(self) -> None:
        """Start it again where it ended though it should run, as a process manager does."""
        with self._lock:
            if self.should_run and not self.is_running:
                self._spawn()

    def wait_for_end(self, timeout_s: float) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def _end(self, number: signal.Signals) -> None:
        with self._lock:
            self.should_run = False
            process = self._process
            if process is None or process.poll() is not None:
                return
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_S)

    def _spawn(self) -> None:
        self.starts += 1
        with self._output.open("ab") as sink:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._output.parent,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                preexec_fn=ending_with_parent,  # noqa: PLW1509  # It takes no lock that another thread could hold.
            )


class ExchangeProcesses:
    """A broker and a database of its own, the services on them, and a thread that restarts what died."""

    def __init__(
        self,
        folder: Path,
        *,
        postgres_data: Path | None = None,
        broker_ports: tuple[int, int] | None = None,
        **overrides: object,
    ) -> None:
        """way_to_broker: the port clients connect to, and the one behind it where the broker listens."""
        self.folder = folder
        api, engine, market_data, projector, broker, controller, database = free_ports(7)
        advertised, broker = broker_ports or (broker, broker)
        folder.chmod(0o755)
        self.settings = Settings.model_validate(
            {
                "data": folder / "data",
                "kafka_brokers": f"{LOOPBACK}:{advertised}",
                "database_url": url_of_database(database),
                "shards": SHARDS,
                "port": api,
                "engine_port": engine,
                "market_data_port": market_data,
                "projector_port": projector,
                "engine_worker_id": "worker-1",
                "jwt_secret": "a-key-of-the-tests-of-at-least-32-bytes",
                "feed": "simulated",
            }
            | overrides
        )
        self.by_name: dict[str, ManagedProcess] = {
            BROKER: ManagedProcess(
                BROKER,
                broker_behind(folder / "kafka", broker, controller, advertised),
                folder / "broker.log",
                ready=lambda is_running: wait_for_broker(broker, is_running),
            ),
            DATABASE: ManagedProcess(
                DATABASE,
                prepare_postgres(
                    postgres_data or folder / "postgres",
                    database,
                    DATABASE_PASSWORDS,
                    durable=False,
                    ends_with_parent=True,
                ),
                folder / "database.log",
                stop_signal=signal.SIGINT,
                ready=lambda is_running: wait_for_postgres(self.settings.database_url, is_running),
            ),
        }
        for name in SERVICES:
            self.by_name[name] = self._service(name)
        self.exchange = Exchange(self.settings, folder)
        self._ended = threading.Event()
        self._restarter = threading.Thread(target=self._restart_dead, daemon=True)

    def start(self, *names: str) -> None:
        """Start these parts, in this order."""
        for name in names:
            self.by_name[name].start()
            if name == BROKER:
                ensure_topics(self.settings)

    def stop(self, *names: str) -> None:
        """Stop these parts, in this order."""
        for name in names:
            self.by_name[name].stop()

    def restart_what_dies(self) -> None:
        """From now on dead parts are restarted."""
        self._restarter.start()

    def wait_until_ready(self, timeout_s: float = 240.0) -> None:
        """Wait until the API is ready."""
        eventually(self.exchange.readiness, lambda seen: seen[0] == 200, timeout_s, pause_s=0.2)

    def replace_code(self, name: str, code: str | None) -> None:
        """Run this code in a service's place from its next start; null for the service itself."""
        self.by_name[name] = self._service(name, code)

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        if self._restarter.is_alive():
            self._restarter.join()
        self.exchange.close()
        for process in reversed(self.by_name.values()):
            process.stop()

    def _service(self, name: str, code: str | None = None) -> ManagedProcess:
        program = reprise_command("run", name) if code is None else python_command("-c", code)
        return ManagedProcess(
            name,
            program,
            self.folder / f"{name}-{uuid4().hex[:6]}.log",
            env=os.environ | environment_of(self.settings),
        )

    def _restart_dead(self) -> None:
        while not self._ended.wait(RESTART_CHECK_S):
            for process in self.by_name.values():
                process.restart_if_dead()


@contextmanager
def running_exchange(
    folder: Path,
    *,
    postgres_data: Path | None = None,
    broker_ports: tuple[int, int] | None = None,
    **overrides: object,
) -> Iterator[ExchangeProcesses]:
    """A machine whose servers run and whose services do not yet; all is gone at the end."""
    exchange = ExchangeProcesses(folder, postgres_data=postgres_data, broker_ports=broker_ports, **overrides)
    try:
        exchange.start(BROKER, DATABASE)
        yield exchange
    finally:
        exchange.close()


def broker_behind(folder: Path, port: int, controller_port: int, advertised: int) -> list[str]:
    """Lay out a broker that gives its clients the advertised port."""
    command = prepare_broker(folder, port, controller_port, print, small=True)
    properties = folder / "server.properties"
    prefix = f"advertised.listeners=PLAINTEXT://{LOOPBACK}:"
    text = properties.read_text(encoding="utf-8")
    assert f"{prefix}{port}\n" in text
    properties.write_text(text.replace(f"{prefix}{port}\n", f"{prefix}{advertised}\n"), encoding="utf-8")
    return command
