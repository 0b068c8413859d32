"""What an order over HTTP costs: CPU time by process, rate and latency, beside a bare endpoint.

The same load goes to an instance as `./reprise up` makes it and to one of open servers: no passwords, no rules of who
may do what, a superuser of the database.
"""

import asyncio
import json as json_format
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import uvloop

from bench._exchange import new_token, wait_until_answered
from bench._http_load import connect, post, send_at_even_intervals, send_at_full_speed
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
BARE_ENDPOINT: Final = "import sys; from bench._bare_endpoint import main; main(int(sys.argv[1]))"
ORDER: Final = json_format.dumps(
    {"symbol": SYMBOLS[0], "side": "long", "type": "market", "margin": "1", "leverage": "10"}
).encode()
CREATED: Final = 201
CPU_MS_MAX: Final = 2.5
PER_SECOND_MIN: Final = 600
P50_MS_MAX: Final = 8
P99_MS_MAX: Final = 25


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
        print(f"passwords, principals and roles: {result['passwords_cpu_ratio']} of the CPU time of open servers")
    print(f"missed: {', '.join(result['missed']) or 'nothing'}")


def measure(folder: Path, count: int, *, with_open_servers: bool) -> dict[str, Any]:
    """Give the numbers. The instances are made in the folder, and are gone at the end."""
    per_connection = -(-count // CONNECTIONS)
    if 1.5 * per_connection + PACED_S * PACED_PER_SECOND // CONNECTIONS >= COMMANDS_PER_ACCOUNT:
        raise FixableError(f"An account may send {COMMANDS_PER_ACCOUNT} orders here; choose a smaller count.")
    result: dict[str, Any] = {
        "instance": _instance(folder / "instance", {}, per_connection),
        "bare": _bare(folder, per_connection),
    }
    if with_open_servers:
        with ExitStack() as stack:
            brokers = stack.enter_context(temporary_broker(small=False))
            given = {"KAFKA_BROKERS": brokers, "DATABASE_URL": stack.enter_context(temporary_postgres())}
            result["open_servers"] = _instance(folder / "open", given, per_connection)
        result["passwords_cpu_ratio"] = _ratio(result, "instance", "open_servers", "cpu_ms_sum")
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


def _instance(folder: Path, environment: dict[str, str], per_connection: int) -> dict[str, Any]:
    with running_instance(folder, environment) as instance:
        tokens = [new_token(instance.port) for _ in range(CONNECTIONS)]
        loads = uvloop.run(_loads(instance.port, [_orders(token) for token in tokens], per_connection, instance))
    return {pace: load.figures() for pace, load in loads.items()}


def _bare(folder: Path, per_connection: int) -> dict[str, Any]:
    (port,) = free_ports(1)
    with running(python_command("-c", BARE_ENDPOINT, str(port)), folder / "bare.log"):
        wait_until_answered(f"http://{LOOPBACK}:{port}/openapi.json")
        requests = [repeat(post("/orders", ORDER)) for _ in range(CONNECTIONS)]
        loads = uvloop.run(_loads(port, requests, per_connection, None))
    return {pace: load.figures() for pace, load in loads.items()}


async def _loads(
    port: int, requests: Sequence[Iterator[bytes]], per_connection: int, instance: RunningInstance | None
) -> dict[str, Load]:
    """A third of the load warms up what is measured: a broker costs twice as much in its first minute."""
    connections = [await connect(port) for _ in requests]
    await send_at_full_speed(connections, requests, -(-per_connection // 3), CREATED)
    before = _cpu(instance)
    per_second, seconds = await send_at_full_speed(connections, requests, per_connection, CREATED)
    between = _cpu(instance)
    count = PACED_S * PACED_PER_SECOND
    paced = await send_at_even_intervals(connections, requests, PACED_PER_SECOND, count, CREATED)
    after = _cpu(instance)
    await asyncio.gather(*(connection.close() for connection in connections))
    return {
        "full_speed": Load(per_second, _ms_each(before, between, len(seconds)), seconds),
        "paced": Load(PACED_PER_SECOND, _ms_each(between, after, count), paced),
    }


def _cpu(instance: RunningInstance | None) -> dict[str, float]:
    return {} if instance is None else instance.cpu_seconds()


def _ms_each(before: dict[str, float], after: dict[str, float], orders: int) -> dict[str, float]:
    return {name: round((after[name] - before[name]) * 1_000 / orders, 3) for name in before}


def _orders(token: str) -> Iterator[bytes]:
    while True:
        yield post("/api/v1/orders", ORDER, {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())})


def _ratio(result: dict[str, Any], ours: str, theirs: str, figure: str) -> float:
    value: float = result[ours]["full_speed"][figure] / result[theirs]["full_speed"][figure]
    return round(value, 3)


def _quantile(seconds: list[float], percent: int) -> float:
    return round(seconds[min(len(seconds) - 1, len(seconds) * percent // 100)] * 1_000, 2)
