"""Which programs an instance runs, in which order they stop, and the process manager's settings for them."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import psutil

from runtime.python import python_command, reprise_command
from runtime.setting_sources import SECRETS_FILE
from stack.folders import in_one_line
from stack.instance import Instance, InstanceFolder
from stack.ports import LOOPBACK

# Programs stop from the highest to the lowest, one after another: clients first, stores last.
KAFKA_PRIORITY: Final = 10
POSTGRES_PRIORITY: Final = 20
PROJECTOR_PRIORITY: Final = 30
ENGINE_PRIORITY: Final = 40
STANDBY_PRIORITY: Final = 43
REPORTS_PRIORITY: Final = 46
MARKET_DATA_PRIORITY: Final = 50
VENUE_PRIORITY: Final = 52
REPLAY_PRIORITY: Final = 54
BACKFILL_PRIORITY: Final = 55
API_PRIORITY: Final = 60

# Names the instance in the environment of each of its processes, so that they are found after a crash.
INSTANCE_VARIABLE: Final = "REPRISE_INSTANCE"
# Where `up` was called: relative paths and `.env` mean that place to the programs too.
CALLED_IN_VARIABLE: Final = "REPRISE_CALLED_IN"

# It does its work at each start and ends. No command waits for it, so its priority is low.
BACKFILL: Final = "backfill"
KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
STANDBY_SUFFIX: Final = "-standby"
REPORTS: Final = "reports"
WATCH: Final = "stack.partner_watch"
WORKER_VARIABLE: Final = "ENGINE_WORKER_ID"
API_WORKER_VARIABLE: Final = "API_WORKER"
LOW_PRIORITY: Final = ("nice", "-n", "10")


class Program(NamedTuple):
    """One process the manager keeps running; or, where `once`, runs until it has ended well."""

    name: str
    command: list[str]
    priority: int
    environment: Mapping[str, str] = MappingProxyType({})
    secrets: Mapping[str, str] | None = None  # settings that are in no environment; null for what is no service
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    once: bool = False


def servers(kafka: list[str] | None, postgres: list[str] | None) -> list[Program]:
    """The broker and the database, where they are this instance's own."""
    programs = []
    if kafka is not None:
        programs.append(Program(KAFKA, kafka, KAFKA_PRIORITY, stop_seconds=60))
    if postgres is not None:
        # INT closes its connections; TERM would wait for the clients to.
        programs.append(Program(POSTGRES, postgres, POSTGRES_PRIORITY, stop_signal="INT", stop_seconds=60))
    return programs


def services(folder: InstanceFolder, instance: Instance, secrets: Mapping[str, Mapping[str, str]]) -> list[Program]:
    """The six services, the engine and the API as many times as there are workers, and the back-fill.

    secrets: of each service those it needs.
    """
    workers = [
        Program(name, _service("engine"), ENGINE_PRIORITY, _worker(number, port), secrets["engine"])
        for number, (name, port) in enumerate(engines(instance), start=1)
    ]
    if instance.standby_ports:
        workers = _with_standbys(instance, folder, workers)
    return [
        Program("projector", _service("projector"), PROJECTOR_PRIORITY, secrets=secrets["projector"]),
        *workers,
        Program("market-data", _service("market-data"), MARKET_DATA_PRIORITY, secrets=secrets["market-data"]),
        Program("venue", _service("venue"), VENUE_PRIORITY, secrets=secrets["venue"]),
        # It reads a long time and keeps nobody waiting but who asked, so its priority is low.
        Program("replay", [*LOW_PRIORITY, *_service("replay")], REPLAY_PRIORITY, secrets=secrets["replay"]),
        Program(
            BACKFILL, [*LOW_PRIORITY, *_service("backfill")], BACKFILL_PRIORITY, secrets=secrets[BACKFILL], once=True
        ),
        *(
            Program(name, _service("api"), API_PRIORITY, _api_worker(number, port, instance), secrets["api"])
            for number, (name, port) in enumerate(apis(instance), start=1)
        ),
    ]


def engines(instance: Instance) -> list[tuple[str, int]]:
    """The name and the port of each worker's engine, in order."""
    return [(f"engine-{number}", port) for number, port in enumerate(instance.engine_ports, start=1)]


def apis(instance: Instance) -> list[tuple[str, int]]:
    """The name and the port of the pages of each process of the API, in order; all have the API's port."""
    ports = [instance.api_pages_port, *instance.more_api_pages_ports]
    return [("api" if number == 1 else f"api-{number}", port) for number, port in enumerate(ports, start=1)]


def standbys(instance: Instance) -> list[tuple[str, int]]:
    """The name and the port of each worker's standby, in order; none where there are none."""
    return [(partner_of(f"engine-{number}"), port) for number, port in enumerate(instance.standby_ports, start=1)]


def partner_of(engine: str) -> str:
    """The name of the other of a pair: they change places, and keep their names."""
    return engine.removesuffix(STANDBY_SUFFIX) if engine.endswith(STANDBY_SUFFIX) else engine + STANDBY_SUFFIX


def program_name(process: psutil.Process) -> str:
    """The name under which the instance runs a process; its own where it is none of the instance's programs."""
    arguments = process.cmdline()
    if WATCH in arguments:
        return REPORTS
    if "cli.main" not in arguments or "run" not in arguments:
        return {"java": KAFKA}.get(process.name(), process.name())
    service = arguments[arguments.index("run") + 1]
    if service == "api":
        number = process.environ().get(API_WORKER_VARIABLE, "1")
        return service if number == "1" else f"{service}-{number}"
    if service != "engine":
        return service
    worker = process.environ().get(WORKER_VARIABLE, "").removeprefix("worker-")
    return f"engine-{worker}{STANDBY_SUFFIX if '--standby' in arguments else ''}"


def environment_of(folder: InstanceFolder, instance: Instance, feed: dict[str, str]) -> dict[str, str]:
    """What every program of the instance finds in its environment, besides what the person has set."""
    return {
        INSTANCE_VARIABLE: str(folder.data),
        "REPRISE_START": instance.started_at,
        "REPRISE_DATA": str(folder.data),
        "REPRISE_SHARDS": str(instance.shards),
        "KAFKA_BROKERS": instance.kafka_brokers,
        "PORT": str(instance.api_port),
        "REPRISE_SEED_PORTS": ",".join(str(port) for port in instance.seed_ports),
        "MARKET_DATA_PORT": str(instance.market_data_port),
        "PROJECTOR_PORT": str(instance.projector_port),
        "VENUE_PORT": str(instance.venue_port),
        "REPLAY_PORT": str(instance.replay_port),
        "API_PAGES_PORT": str(instance.api_pages_port),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
        **feed,
    }


def supervisor_settings(folder: InstanceFolder, programs: list[Program]) -> str:
    """The text of supervisord.conf. The manager runs in the data folder, so that the folder's name is not in it."""
    natural = folder.control_socket.parent == folder.data
    sections = {
        "unix_http_server": {
            "file": folder.control_socket.name if natural else _literal(str(folder.control_socket)),
            "chmod": "0700",
        },
        "supervisord": {
            "logfile": _within(folder, folder.supervisor_log),
            # Restarts are counted in it, those of the last ten thousands.
            "logfile_maxbytes": "5MB",
            "logfile_backups": "1",
            "loglevel": "info",
            "pidfile": _within(folder, folder.supervisor_pid),
            "childlogdir": _within(folder, folder.logs),
            "nodaemon": "true",
            "silent": "true",
            **_user(),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
    } | {f"program:{program.name}": _section(folder, program) for program in programs}
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for name, values in sections.items()
    )


def _section(folder: InstanceFolder, program: Program) -> dict[str, str]:
    # Not by the manager's own `environment`, in which no value can hold a quotation mark.
    variables = [f"{name}={value}" for name, value in program.environment.items()]
    if program.secrets is not None:
        variables.append(f"{SECRETS_FILE}={folder.secrets_of(program.name)}")
    return {
        "command": in_one_line([*(["env", *variables] if variables else []), *program.command]),
        "directory": f"%(ENV_{CALLED_IN_VARIABLE})s",
        "priority": str(program.priority),
        "autostart": "true",
        # One that stops within `startsecs` is started again a second later, then two, then three, and so on. What runs
        # once may be done within them; it makes its own pauses before it ends with a failure.
        **(
            {"autorestart": "unexpected", "exitcodes": "0", "startsecs": "0"}
            if program.once
            else {"autorestart": "true", "startsecs": "2"}
        ),
        # For ever: a disk may be full for a night.
        "startretries": "1000000",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _within(folder, folder.logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "2",
    }


def _within(folder: InstanceFolder, path: Path) -> str:
    return str(path.relative_to(folder.data))


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _user() -> dict[str, str]:
    """Whom the manager runs as, where that is root: else it warns of it. Not by LOGNAME, which `sudo` may keep."""
    if os.geteuid() != 0:
        return {}
    try:
        return {"user": pwd.getpwuid(0).pw_name}
    except KeyError:
        return {}


def _with_standbys(instance: Instance, folder: InstanceFolder, workers: list[Program]) -> list[Program]:
    """The workers and their standbys, each with its partner's address, and the watch that signals a partner's end."""
    pairs = []
    for number, (worker, (name, port)) in enumerate(zip(workers, standbys(instance), strict=True), start=1):
        partner = {"ENGINE_PARTNER": f"{LOOPBACK}:{worker.environment['ENGINE_PORT']}"}
        pairs.append(
            worker._replace(environment={**worker.environment, "ENGINE_PARTNER": f"{LOOPBACK}:{port}"}),
        )
        pairs.append(
            Program(
                name,
                [*_service("engine"), "--standby"],
                STANDBY_PRIORITY,
                _worker(number, port) | partner,
                worker.secrets,
            )
        )
    reports = Program(REPORTS, python_command("-m", WATCH, str(folder.data)), REPORTS_PRIORITY)
    return [*pairs, reports]


def _worker(number: int, port: int) -> dict[str, str]:
    return {WORKER_VARIABLE: f"worker-{number}", "ENGINE_PORT": str(port)}


def _api_worker(number: int, port: int, instance: Instance) -> dict[str, str]:
    """Give what a process of the API has of its own; nothing where it is the only one."""
    workers = 1 + len(instance.more_api_pages_ports)
    if workers == 1:
        return {}
    return {"API_WORKERS": str(workers), API_WORKER_VARIABLE: str(number), "API_PAGES_PORT": str(port)}


def _service(name: str) -> list[str]:
    return reprise_command("run", name)
