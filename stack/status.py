"""What an instance is doing now: its processes, and what its services' pages show."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, NamedTuple

import psutil

from runtime.setting_sources import without_password
from stack import supervisor
from stack.control import NoAnswer, RunningManager, manager_of, no_answer_of
from stack.disk import room
from stack.instance import Instance, InstanceFolder
from stack.log_growth import bytes_a_day
from stack.ports import LOOPBACK
from stack.programs import apis, engines, program_name, standbys
from stack.supervisor import Process

PAGE_TIMEOUT_S: Final = 2.0
# All are asked at once, so that the whole answers within a second.
STATUS_TIMEOUT_S: Final = 0.7
API: Final = "api"


def read_page(port: int, path: str, timeout_s: float = PAGE_TIMEOUT_S) -> tuple[int, dict[str, Any]] | None:
    """A service's page, its HTTP status and its JSON; null where nobody answers in time."""
    connection = HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer.status, content if isinstance(content, dict) else {}


def _log_bytes_a_day(folder: InstanceFolder, instance: Instance | None) -> int | None:
    """How much a day like the last minutes adds to the instance's own log; null where it is not known."""
    if instance is None or instance.kafka_port is None:
        return None
    started_at = datetime.fromisoformat(instance.started_at).timestamp()
    return bytes_a_day(folder.kafka_log, started_at, time.time())


def status_of(folder: InstanceFolder) -> dict[str, Any]:
    """The whole of it, as `reprise status --json` prints it."""
    instance = folder.read()
    ports = {} if instance is None else ports_of(instance)
    services = [name for name, port in ports.items() if name not in {"kafka", "postgres"} and port is not None]
    with ThreadPoolExecutor(len(services) + 1) as pool:
        asked = pool.submit(_manager_and_processes, folder)
        pages = dict(zip(services, pool.map(lambda name: _page(name, ports[name]), services), strict=True))
        manager, processes = asked.result()
    free, total = room(folder.data)
    found = {
        "data": str(folder.data),
        "running": instance is not None and manager is not None,
        "manager": None if manager is None else manager._asdict(),
        "ready": False,
        "disk": {"free_bytes": free, "total_bytes": total, "log_bytes_a_day": _log_bytes_a_day(folder, instance)},
        "processes": [process | {"port": ports.get(process["name"])} for process in processes],
        "shards": [],
    }
    if instance is None or (manager is None and not processes):
        return found
    answers = {name: {} if page is None else page[1] for name, page in pages.items()}
    owned, followed = _shards_in([(name, answers[name]) for name, _ in engines(instance) + standbys(instance)])
    readiness = next((pages[name] for name, _ in apis(instance) if not _is_ready(pages[name])), pages[API])
    api_pid = next((process["pid"] for process in processes if process["name"] == API), None)
    is_ours, has_pages = (
        api_pid is not None and supervisor.listens_at(api_pid, port)
        for port in (instance.api_port, instance.api_pages_port)
    )
    return found | {
        "ready": _is_ready(readiness) and is_ours,
        "why": None if readiness is None else readiness[1].get("why"),
        "address": f"http://{LOOPBACK}:{instance.api_port}",
        "api_pages": {"address": f"http://{LOOPBACK}:{instance.api_pages_port}", "served": has_pages},
        "started_at": instance.started_at,
        "unanswered": [name for name, page in pages.items() if page is None],
        "ports": ports,
        "kafka": {"brokers": instance.kafka_brokers, "own": instance.kafka_port is not None},
        "database": {
            "url": without_password(instance.database_url),
            "own": instance.postgres_port is not None,
        },
        "core": next((build for name, _ in engines(instance) if (build := answers[name].get("core"))), None),
        "feed": answers["market-data"],
        "shards": owned,
        **({"followed": followed} if instance.standby_ports else {}),
        "projector": answers["projector"].get("shards", []),
    }


def trouble_in(folder: InstanceFolder, found: Mapping[str, Any]) -> str | None:
    """Say why the instance cannot be taken for one that runs, and what to do; null where it can."""
    manager, left = found["manager"], found["processes"]
    if manager is not None and not manager["answers"]:
        return no_answer_of(folder, manager["pid"])
    if manager is None and left:
        names = ", ".join(f"{process['name']} ({process['pid']})" for process in left)
        return (
            f"No process manager runs in {folder.data}, and these processes do that a crash left: {names}. "
            f"{folder.command('down')} ends them, {folder.command('up')} starts anew after that."
        )
    return None if found["running"] else f"No instance runs in {folder.data}. Start it with {folder.command('up')}."


def ports_of(instance: Instance) -> Mapping[str, int | None]:
    """The port of each process, by its name; null where the server is not this instance's own."""
    return {
        "kafka": instance.kafka_port,
        "postgres": instance.postgres_port,
        "projector": instance.projector_port,
        **dict(engines(instance)),
        **dict(standbys(instance)),
        "market-data": instance.market_data_port,
        "venue": instance.venue_port,
        "replay": instance.replay_port,
        **dict(apis(instance)),
        "api": instance.api_port,
    }


def shards_of(instance: Instance) -> list[dict[str, Any]]:
    """What the workers say of the shards they own."""
    return _shards(instance)[0]


class SentPrices(NamedTuple):
    """Of which symbols the feed has sent prices, whether it has come to its end, and why if it was not its own."""

    symbols: set[str]
    finished: bool
    failure: str | None


def sent_prices(instance: Instance) -> SentPrices:
    """What market data says of its feed."""
    status = _status(instance.market_data_port)
    return SentPrices(set(status.get("symbols", {})), bool(status.get("finished")), status.get("failure"))


def _shards(instance: Instance) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the engines say of the shards they own, and of those they follow."""
    return _shards_in([(name, _status(port)) for name, port in engines(instance) + standbys(instance)])


def _shards_in(answers: list[tuple[str, dict[str, Any]]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    owned: list[dict[str, Any]] = []
    followed: list[dict[str, Any]] = []
    for name, status in answers:
        rows = owned if status.get("role") == "owner" else followed
        rows += [{**shard, "worker": status["worker"], "process": name} for shard in status.get("shards", [])]
    return sorted(owned, key=_number), sorted(followed, key=_number)


def _number(shard: dict[str, Any]) -> int:
    return int(shard["shard"])


def _status(port: int) -> dict[str, Any]:
    found = read_page(port, "/status")
    return {} if found is None else found[1]


def _is_ready(page: tuple[int, dict[str, Any]] | None) -> bool:
    return page is not None and page[0] == 200  # noqa: PLR2004


def _page(name: str, port: int | None) -> tuple[int, dict[str, Any]] | None:
    assert port is not None, "a service has one"
    return read_page(port, "/readyz" if name.startswith(API) else "/status", STATUS_TIMEOUT_S)


def _manager_and_processes(folder: InstanceFolder) -> tuple[RunningManager | None, list[dict[str, Any]]]:
    """The manager and what it says of its programs; where it says nothing, what is found without it."""
    manager = manager_of(folder, STATUS_TIMEOUT_S)
    if manager is not None and manager.answers:
        try:
            return manager, [each._asdict() for each in supervisor.processes(folder, STATUS_TIMEOUT_S)]
        except NoAnswer:
            manager = manager._replace(answers=False)
    own = None if manager is None else manager.pid
    rows = [_found(process) for process in supervisor.orphans(folder) if process.pid != own]
    return manager, sorted((row for row in rows if row is not None), key=lambda row: str(row["name"]))


def _found(process: psutil.Process) -> dict[str, Any] | None:
    """A process that no manager tells of, as far as it can be seen; null where it has just ended."""
    try:
        state = "STOPPED" if process.status() == psutil.STATUS_STOPPED else "RUNNING"
        row = Process(program_name(process), state, process.pid, 0, int(time.time() - process.create_time()), None)
    except psutil.Error:
        return None
    return row._asdict() | {"restarts": None}  # Only the manager counts them.
