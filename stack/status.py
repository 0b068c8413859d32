"""What an instance is doing now: its processes, and what its services' pages show."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx
from sqlalchemy.engine import make_url

from stack import supervisor
from stack.instance import Instance, InstanceFolder
from stack.ports import LOOPBACK
from stack.programs import engines, standbys

PAGE_TIMEOUT_S: Final = 2.0


def read_page(port: int, path: str) -> tuple[int, dict[str, Any]] | None:
    """A service's page, its HTTP status and its JSON; null where nobody answers in time."""
    try:
        # No proxy: the environment's is for the internet.
        answer = httpx.get(f"http://{LOOPBACK}:{port}{path}", timeout=PAGE_TIMEOUT_S, trust_env=False)
        content = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return answer.status_code, content if isinstance(content, dict) else {}


def status_of(folder: InstanceFolder) -> dict[str, Any]:
    """The whole of it, as `reprise status --json` prints it."""
    instance = folder.read()
    running = supervisor.is_running(folder)
    if instance is None or not running:
        return {"data": str(folder.data), "running": False, "ready": False, "processes": [], "shards": []}
    owned, followed = _shards(instance)
    readiness = read_page(instance.api_port, "/readyz")
    projector = _status(instance.projector_port)
    return {
        "data": str(folder.data),
        "running": True,
        "ready": readiness is not None and readiness[0] == 200,  # noqa: PLR2004
        "address": f"http://{LOOPBACK}:{instance.api_port}",
        "started_at": instance.started_at,
        "ports": ports_of(instance),
        "kafka": {"brokers": instance.kafka_brokers, "own": instance.kafka_port is not None},
        "database": {
            "url": make_url(instance.database_url).render_as_string(hide_password=True),
            "own": instance.postgres_port is not None,
        },
        "processes": [
            process._asdict() | {"port": ports_of(instance).get(process.name)}
            for process in supervisor.processes(folder)
        ],
        "feed": _status(instance.market_data_port),
        "shards": owned,
        **({"followed": followed} if instance.standby_ports else {}),
        "projector": projector.get("shards", []),
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
    owned: list[dict[str, Any]] = []
    followed: list[dict[str, Any]] = []
    for name, port in engines(instance) + standbys(instance):
        status = _status(port)
        rows = owned if status.get("role") == "owner" else followed
        rows += [{**shard, "worker": status["worker"], "process": name} for shard in status.get("shards", [])]
    return sorted(owned, key=_number), sorted(followed, key=_number)


def _number(shard: dict[str, Any]) -> int:
    return int(shard["shard"])


def _status(port: int) -> dict[str, Any]:
    found = read_page(port, "/status")
    return {} if found is None else found[1]
