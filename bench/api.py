"""How many orders a second the API answers over HTTP with everything on this machine, beside a bare endpoint."""

import asyncio
import json as json_format
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import uvloop
from confluent_kafka import Producer

from bench._http_load import connect, post, send_at_even_intervals, send_at_full_speed
from bench._workload import COMMANDS_PER_ACCOUNT, FEED, RUN, prices
from runtime.errors import FixableError
from runtime.kafka import command_producer_options, end_offsets
from runtime.python import python_command, reprise_command
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import encode_command
from schemas.commands import Command, SelectFeed
from schemas.instruments import SYMBOLS
from schemas.topics import COMMANDS
from stack.foreground import running
from stack.ports import LOOPBACK, free_ports
from stack.temporary import temporary_postgres

COUNT: Final = 3_200
CONNECTIONS: Final = 32  # an account and a socket each
PACED_PER_SECOND: Final = 100
PACED_S: Final = 10
PRICES_S: Final = 0.5
READY_TIMEOUT_S: Final = 120.0
BARE_ENDPOINT: Final = "import sys; from bench._bare_endpoint import main; main(int(sys.argv[1]))"
PASSWORD: Final = "of accounts that are gone with their database"  # noqa: S105  # It guards nothing.
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
    with _running_exchange(given, folder) as port:
        tokens = [_new_token(port) for _ in range(CONNECTIONS)]
        api = uvloop.run(_speed(port, [_orders("/api/v1/orders", token) for token in tokens], per_connection))
        keyed = uvloop.run(_full_speed(port, [_keyed_orders(token) for token in tokens], per_connection))
    (bare_port,) = free_ports(1)
    with running(python_command("-c", BARE_ENDPOINT, str(bare_port)), folder / "bare.log"):
        _wait_until_answered(f"http://{LOOPBACK}:{bare_port}/openapi.json")
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


@contextmanager
def _running_exchange(given: Settings, folder: Path) -> Iterator[int]:
    """The port of an API with engine, projector, database and prices of its own."""
    engine_port, projector_port, port = free_ports(3)
    ensure_topics(given)
    if any(end_offsets(given, COMMANDS)):
        raise FixableError(f"The broker {given.kafka_brokers} holds a ledger; the bench needs one that holds none.")
    with ExitStack() as stack:
        environment = os.environ | {
            "KAFKA_BROKERS": given.kafka_brokers,
            "DATABASE_URL": stack.enter_context(temporary_postgres()),
            "REPRISE_PROFILE": "demo",
            "REPRISE_SHARDS": str(given.shards),
            "REPRISE_DATA": str(folder),
            "ENGINE_PORT": str(engine_port),
            "PROJECTOR_PORT": str(projector_port),
            "PORT": str(port),
            "JWT_SECRET": secrets.token_hex(32),
        }
        for name in ("engine", "projector", "api"):
            stack.enter_context(running(reprise_command("run", name), folder / f"{name}.log", env=environment))
        _wait_until_answered(f"http://{LOOPBACK}:{port}/readyz")
        stack.enter_context(_keeping_prices_fresh(given))
        yield port


@contextmanager
def _keeping_prices_fresh(settings: Settings) -> Iterator[None]:
    """Prices that stay fresh while the block runs."""
    producer = Producer(command_producer_options(settings, "bench-prices"))
    ended = threading.Event()

    def send(command: Command) -> None:
        for shard in range(settings.shards):
            producer.produce(COMMANDS, encode_command(command), partition=shard)
        if producer.flush(READY_TIMEOUT_S):
            raise FixableError("The broker did not take the prices of the bench.")

    def send_periodically() -> None:
        number = 3
        while not ended.wait(PRICES_S):
            send(prices(number, 0, _clock))
            number += 1

    send(SelectFeed(name=FEED, run=RUN, live=False))
    for number in (1, 2):  # The second confirms the first.
        send(prices(number, 0, _clock))
    thread = threading.Thread(target=send_periodically, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _new_token(port: int) -> str:
    """Register a user and sign them in."""
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    _post(f"http://{LOOPBACK}:{port}/api/v1/auth/register", credentials)
    return str(_post(f"http://{LOOPBACK}:{port}/api/v1/auth/login", credentials)["access_token"])


def _post(url: str, body: dict[str, str]) -> Any:
    reply = httpx.post(url, json=body, timeout=30.0, trust_env=False)
    reply.raise_for_status()
    return reply.json()


def _wait_until_answered(url: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=5.0, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)  # Not started, or not ready.
        else:
            return
    raise FixableError(f"{url} did not answer in {READY_TIMEOUT_S:.0f} s.")


def _quantile(seconds: list[float], percent: int) -> float:
    return round(seconds[min(len(seconds) - 1, len(seconds) * percent // 100)], 4)


def _clock() -> int:
    return time.time_ns() // 1_000
