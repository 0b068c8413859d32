"""What an instance is doing now: its processes, and what its services' pages show."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, NamedTuple

from runtime.setting_sources import without_password
from stack import supervisor
from stack.disk import room
from stack.instance import Instance, InstanceFolder
from stack.ports import LOOPBACK
from stack.programs import engines, standbys

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


def status_of(folder: InstanceFolder) -> dict[str, Any]:
    """The whole of it, as `reprise status --json` prints it."""
    instance = folder.read()
    running = supervisor.is_running(folder)
    free, total = room(folder.data)
    disk = {"free_bytes": free, "total_bytes": total}
    if instance is None or not running:
        return {
            "data": str(folder.data),
            "running": False,
            "ready": False,
            "disk": disk,
            "processes": [],
            "shards": [],
        }
    ports = ports_of(instance)
    services = [name for name, port in ports.items() if name not in {"kafka", "postgres"} and port is not None]
    with ThreadPoolExecutor(len(services)) as pool:
        pages = dict(zip(services, pool.map(lambda name: _page(name, ports[name]), services), strict=True))
    answers = {name: {} if page is None else page[1] for name, page in pages.items()}
    owned, followed = _shards_in([(name, answers[name]) for name, _ in engines(instance) + standbys(instance)])
    readiness = pages[API]
    is_ours = readiness is not None and supervisor.listens(folder, API, instance.api_port)
    return {
        "data": str(folder.data),
        "running": True,
        "ready": readiness is not None and readiness[0] == 200 and is_ours,  # noqa: PLR2004
        "address": f"http://{LOOPBACK}:{instance.api_port}",
        "started_at": instance.started_at,
        "disk": disk,
        "unanswered": [name for name, page in pages.items() if page is None],
        "ports": ports,
        "kafka": {"brokers": instance.kafka_brokers, "own": instance.kafka_port is not None},
        "database": {
            "url": without_password(instance.database_url),
            "own": instance.postgres_port is not None,
        },
        "processes": [
            process._asdict() | {"port": ports.get(process.name)} for process in supervisor.processes(folder)
        ],
        "feed": answers["market-data"],
        "shards": owned,
        **({"followed": followed} if instance.standby_ports else {}),
        "projector": answers["projector"].get("shards", []),
    }


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


def _page(name: str, port: int | None) -> tuple[int, dict[str, Any]] | None:
    assert port is not None, "a service has one"
    return read_page(port, "/readyz" if name == API else "/status", STATUS_TIMEOUT_S)
