"""How many orders a second the API answers over HTTP with everything on this machine, beside a bare endpoint."""

import asyncio
import json as json_format
import tempfile
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import uvloop

from bench._exchange import new_token, running_exchange, wait_until_answered
from bench._http_load import connect, post, send_at_even_intervals, send_at_full_speed
from bench._workload import COMMANDS_PER_ACCOUNT
from runtime.errors import FixableError
from runtime.python import python_command
from runtime.settings import Settings
from schemas.instruments import SYMBOLS
from stack.foreground import running
from stack.ports import LOOPBACK, free_ports

COUNT: Final = 3_200
CONNECTIONS: Final = 32  # an account and a socket each
PACED_PER_SECOND: Final = 100
PACED_S: Final = 10
BARE_ENDPOINT: Final = "import sys; from bench._bare_endpoint import main; main(int(sys.argv[1]))"
ORDER: Final = json_format.dumps(
    {"symbol": SYMBOLS[0], "side": "long", "type": "market", "margin": "1", "leverage": "10"}
).encode()
CREATED: Final = 201


class Speed(NamedTuple):
    """Requests a second at full speed, and the seconds of each, sorted: at full speed, and at an even pace."""

    per_second: float
    full_speed: list[float]
    paced: list[float]


def run(json: bool, count: int = COUNT) -> None:
    """Send `count` orders as fast as they are answered, as many with a key of their own, then 100 a second."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        result = measure(Settings(), Path(folder), count)
    if json:
        print(json_format.dumps(result))
        return
    print(
        f"orders {result['orders_per_second']:,}/s (each with a key {result['keyed_orders_per_second']:,}/s); "
        f"a bare endpoint {result['bare_per_second']:,}/s; ratio {result['ratio']}"
    )
    for name, what in (("order", "orders"), ("bare", "the bare endpoint")):
        p50, p99 = (result[f"{name}_seconds_{part}"] * 1_000 for part in ("p50", "p99"))
        print(f"{what}, {PACED_PER_SECOND} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def measure(given: Settings, folder: Path, count: int) -> dict[str, Any]:
    """Give the numbers. The broker must hold no ledger: one is made there, and stays."""
    per_connection = -(-count // CONNECTIONS)
    if 2 * per_connection + PACED_S * PACED_PER_SECOND // CONNECTIONS >= COMMANDS_PER_ACCOUNT:
        raise FixableError(f"An account may send {COMMANDS_PER_ACCOUNT} orders here; choose a smaller count.")
    with running_exchange(given, folder) as exchange:
        port = exchange.port
        tokens = [new_token(port) for _ in range(CONNECTIONS)]
        api = uvloop.run(_speed(port, [_orders("/api/v1/orders", token) for token in tokens], per_connection))
        keyed = uvloop.run(_full_speed(port, [_keyed_orders(token) for token in tokens], per_connection))
    (bare_port,) = free_ports(1)
    with running(python_command("-c", BARE_ENDPOINT, str(bare_port)), folder / "bare.log"):
        wait_until_answered(f"http://{LOOPBACK}:{bare_port}/openapi.json")
        bare = uvloop.run(_speed(bare_port, [_orders("/orders", "") for _ in range(CONNECTIONS)], per_connection))
    return {
        "orders_per_second": round(api.per_second),
        "keyed_orders_per_second": round(keyed[0]),
        "bare_per_second": round(bare.per_second),
        "ratio": round(api.per_second / bare.per_second, 3),
        "connections": CONNECTIONS,
        "orders": per_connection * CONNECTIONS,
        "full_speed_order_seconds_p50": _quantile(api.full_speed, 50),
        "full_speed_order_seconds_p99": _quantile(api.full_speed, 99),
        "order_seconds_p50": _quantile(api.paced, 50),
        "order_seconds_p99": _quantile(api.paced, 99),
        "bare_seconds_p50": _quantile(bare.paced, 50),
        "bare_seconds_p99": _quantile(bare.paced, 99),
    }


async def _speed(port: int, requests: list[Iterator[bytes]], per_connection: int) -> Speed:
    per_second, full_speed = await _full_speed(port, requests, per_connection)
    connections = [await connect(port) for _ in requests]
    paced = await send_at_even_intervals(connections, requests, PACED_PER_SECOND, PACED_S * PACED_PER_SECOND, CREATED)
    await asyncio.gather(*(connection.close() for connection in connections))
    return Speed(per_second, full_speed, paced)


async def _full_speed(port: int, requests: list[Iterator[bytes]], per_connection: int) -> tuple[float, list[float]]:
    connections = [await connect(port) for _ in requests]
    # What is done once, by them and by us, is not measured.
    await asyncio.gather(
        *(
            connection.post(next(own_requests), CREATED)
            for connection, own_requests in zip(connections, requests, strict=True)
        )
    )
    measured = await send_at_full_speed(connections, requests, per_connection, CREATED)
    await asyncio.gather(*(connection.close() for connection in connections))
    return measured


def _orders(path: str, token: str) -> Iterator[bytes]:
    return repeat(post(path, ORDER, {"Authorization": f"Bearer {token}"} if token else None))


def _keyed_orders(token: str) -> Iterator[bytes]:
    while True:
        yield post("/api/v1/orders", ORDER, {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())})


def _quantile(seconds: list[float], percent: int) -> float:
    return round(seconds[min(len(seconds) - 1, len(seconds) * percent // 100)], 4)
