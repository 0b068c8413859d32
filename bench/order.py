"""What an order over HTTP costs: CPU time by process, rate and latency, beside a bare endpoint.

The same load goes in turns to an instance as `./reprise up` makes it and to one of open servers: no passwords, no rules
of who may do what, a superuser of the database.
"""

import asyncio
import json as json_format
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import uvloop

from bench._exchange import new_token, wait_until_answered
from bench._http_load import Connection, connect, post, send_at_even_intervals, send_at_full_speed
from bench._instance import RunningInstance, running_instance
from bench._workload import COMMANDS_PER_ACCOUNT
from runtime.errors import FixableError
from runtime.python import python_command
from schemas.instruments import SYMBOLS
from stack.foreground import running
from stack.ports import LOOPBACK, free_ports
from stack.temporary import temporary_broker, temporary_postgres

COUNT: Final = 6_400
CONNECTIONS: Final = 32  # an account and a socket each
PACED_PER_SECOND: Final = 100
PACED_S: Final = 10
TURNS: Final = 4
BARE_ENDPOINT: Final = "import sys; from bench._bare_endpoint import main; main(int(sys.argv[1]))"
ORDER: Final = json_format.dumps(
    {"symbol": SYMBOLS[0], "side": "long", "type": "market", "margin": "1", "leverage": "10"}
).encode()
CREATED: Final = 201
CPU_MS_MAX: Final = 2.5
PER_SECOND_MIN: Final = 600
P50_MS_MAX: Final = 8
P99_MS_MAX: Final = 25


class OrderTarget(NamedTuple):
    """Where orders are sent, those of each connection, and whose CPU time counts."""

    port: int
    requests: Sequence[Iterator[bytes]]
    instance: RunningInstance | None


class LoadSlice(NamedTuple):
    """A part of a load: its duration, CPU seconds by process, and the seconds of each order."""

    duration: float
    cpu_seconds: dict[str, float]
    seconds: list[float]


class Load(NamedTuple):
    """Orders a second, CPU milliseconds of an order by process, and the seconds of each order, sorted."""

    per_second: float
    cpu_ms: dict[str, float]
    seconds: list[float]

    def figures(self) -> dict[str, Any]:
        """Give what is printed of it."""
        return {
            "per_second": round(self.per_second),
            "cpu_ms": self.cpu_ms,
            "cpu_ms_sum": round(sum(self.cpu_ms.values()), 2),
            "p50_ms": _quantile(self.seconds, 50),
            "p99_ms": _quantile(self.seconds, 99),
        }


def run(json: bool, count: int = COUNT, open_servers: int = 1) -> None:
    """Send `count` orders, each with a key, as fast as they are answered, then 100 a second. open_servers: 0 or 1."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        result = measure(Path(folder), count, with_open_servers=bool(open_servers))
    if json:
        print(json_format.dumps(result))
        return
    for place in ("instance", "open_servers", "bare"):
        for pace, figures in result.get(place, {}).items():
            print(
                f"{place.replace('_', ' ')}, {pace.replace('_', ' ')}: {figures['per_second']:,} orders/s, "
                f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, CPU {figures['cpu_ms_sum']:.2f} ms "
                f"({', '.join(f'{name} {ms:.2f}' for name, ms in figures['cpu_ms'].items())})"
            )
    if open_servers:
        print(
            f"passwords, principals and roles: {result['passwords_cpu_ratio']} of the CPU time of open servers, "
            f"{result['passwords_cpu_ratio_paced']} at {PACED_PER_SECOND} a second"
        )
    print(f"missed: {', '.join(result['missed']) or 'nothing'}")


def measure(folder: Path, count: int, *, with_open_servers: bool) -> dict[str, Any]:
    """Give the numbers. The instances are made in the folder, and are gone at the end."""
    per_connection = -(-count // CONNECTIONS)
    if 1.5 * per_connection + PACED_S * PACED_PER_SECOND // CONNECTIONS >= COMMANDS_PER_ACCOUNT:
        raise FixableError(f"An account may send {COMMANDS_PER_ACCOUNT} orders here; choose a smaller count.")
    with ExitStack() as stack:
        places = {"instance": _instance(stack, folder / "instance", {}), "bare": _bare(stack, folder)}
        if with_open_servers:
            brokers = stack.enter_context(temporary_broker(small=False))
            given = {"KAFKA_BROKERS": brokers, "DATABASE_URL": stack.enter_context(temporary_postgres())}
            places["open_servers"] = _instance(stack, folder / "open", given)
        loads = uvloop.run(_loads(places, per_connection))
    result: dict[str, Any] = {
        name: {pace: load.figures() for pace, load in of_place.items()} for name, of_place in loads.items()
    }
    if with_open_servers:
        result["passwords_cpu_ratio"] = _ratio(result, "instance", "open_servers", "cpu_ms_sum")
        result["passwords_cpu_ratio_paced"] = _ratio(result, "instance", "open_servers", "cpu_ms_sum", pace="paced")
    full, paced = result["instance"]["full_speed"], result["instance"]["paced"]
    missed = {
        "cpu_ms_sum": full["cpu_ms_sum"] > CPU_MS_MAX,
        "per_second": full["per_second"] < PER_SECOND_MIN,
        "p50_ms": paced["p50_ms"] > P50_MS_MAX,
        "p99_ms": paced["p99_ms"] > P99_MS_MAX,
    }
    return result | {
        "orders": per_connection * CONNECTIONS,
        "connections": CONNECTIONS,
        "ratio": _ratio(result, "instance", "bare", "per_second"),
        "missed": [name for name, is_missed in missed.items() if is_missed],
    }


def _instance(stack: ExitStack, folder: Path, environment: dict[str, str]) -> OrderTarget:
    instance = stack.enter_context(running_instance(folder, environment))
    return OrderTarget(instance.port, [_orders(new_token(instance.port)) for _ in range(CONNECTIONS)], instance)


def _bare(stack: ExitStack, folder: Path) -> OrderTarget:
    (port,) = free_ports(1)
    stack.enter_context(running(python_command("-c", BARE_ENDPOINT, str(port)), folder / "bare.log"))
    wait_until_answered(f"http://{LOOPBACK}:{port}/openapi.json")
    return OrderTarget(port, [repeat(post("/orders", ORDER)) for _ in range(CONNECTIONS)], None)


async def _loads(places: dict[str, OrderTarget], per_connection: int) -> dict[str, dict[str, Load]]:
    """Send to one place after the other in turns, so that what warms up, or disturbs the machine, is in each figure.

    A third of the load comes before what is measured: a broker costs twice as much in its first minute.
    """
    for place in places.values():
        async with _connected(place) as connections:
            await send_at_full_speed(connections, place.requests, -(-per_connection // 3), CREATED)
    share = -(-per_connection // TURNS)
    found: dict[str, dict[str, list[LoadSlice]]] = {name: {"full_speed": [], "paced": []} for name in places}
    for turn in range(TURNS):
        for name in places if turn % 2 == 0 else reversed(places):
            full_speed, paced = await _slices(places[name], share)
            found[name]["full_speed"].append(full_speed)
            found[name]["paced"].append(paced)
    return {name: {pace: _joined(slices) for pace, slices in of_place.items()} for name, of_place in found.items()}


async def _slices(place: OrderTarget, per_connection: int) -> tuple[LoadSlice, LoadSlice]:
    """Send so many orders on each connection at full speed, then a turn's at an even pace."""
    count = PACED_S * PACED_PER_SECOND // TURNS
    async with _connected(place) as connections:
        before = _cpu(place.instance)
        per_second, seconds = await send_at_full_speed(connections, place.requests, per_connection, CREATED)
        between = _cpu(place.instance)
        paced = await send_at_even_intervals(connections, place.requests, PACED_PER_SECOND, count, CREATED)
        after = _cpu(place.instance)
    return (
        LoadSlice(len(seconds) / per_second, _difference(before, between), seconds),
        LoadSlice(count / PACED_PER_SECOND, _difference(between, after), paced),
    )


@asynccontextmanager
async def _connected(place: OrderTarget) -> AsyncIterator[list[Connection]]:
    """Sockets of their own for each turn: the server closes those that stay silent."""
    connections = [await connect(place.port) for _ in place.requests]
    yield connections
    await asyncio.gather(*(connection.close() for connection in connections))


def _joined(slices: list[LoadSlice]) -> Load:
    seconds = sorted(second for each in slices for second in each.seconds)
    cpu = {
        name: round(sum(each.cpu_seconds[name] for each in slices) * 1_000 / len(seconds), 3)
        for name in slices[0].cpu_seconds
    }
    return Load(len(seconds) / sum(each.duration for each in slices), cpu, seconds)


def _cpu(instance: RunningInstance | None) -> dict[str, float]:
    return {} if instance is None else instance.cpu_seconds()


def _difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def _orders(token: str) -> Iterator[bytes]:
    while True:
        yield post("/api/v1/orders", ORDER, {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())})


def _ratio(result: dict[str, Any], ours: str, theirs: str, figure: str, *, pace: str = "full_speed") -> float:
    value: float = result[ours][pace][figure] / result[theirs][pace][figure]
    return round(value, 3)


def _quantile(seconds: list[float], percent: int) -> float:
    return round(seconds[min(len(seconds) - 1, len(seconds) * percent // 100)] * 1_000, 2)
