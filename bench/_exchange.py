"""A whole exchange for a bench: engine, projector, API, a database, and prices that stay fresh."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import psutil
from confluent_kafka import Producer

from bench._cpu import servers
from bench._workload import FEED, RUN, clock, prices
from runtime.errors import FixableError
from runtime.kafka import command_producer_options, end_offsets
from runtime.python import reprise_command
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import encode_command
from schemas.commands import Command, SelectFeed
from schemas.topics import COMMANDS
from stack.foreground import running
from stack.ports import LOOPBACK, free_ports
from stack.temporary import temporary_postgres

PRICES_S: Final = 0.5
READY_TIMEOUT_S: Final = 120.0
PASSWORD: Final = "of accounts that are gone with their database"  # noqa: S105  # It guards nothing.


class Exchange(NamedTuple):
    """What a bench meets it by: the port of its API, its database, and the first process of each service."""

    port: int
    database_url: str
    roots: Mapping[str, psutil.Process]


@contextmanager
def running_exchange(
    given: Settings, folder: Path, interval_s: float = PRICES_S, moves: Callable[[int], int] = lambda _: 0
) -> Iterator[Exchange]:
    """An API with engine, projector, database and prices of its own.

    interval_s: from one price to the next; moves: by how many basis points of 1 % the price of a number is moved.
    """
    engine_port, projector_port, port = free_ports(3)
    ensure_topics(given)
    if any(end_offsets(given, COMMANDS)):
        raise FixableError(f"The broker {given.kafka_brokers} holds a ledger; the bench needs one that holds none.")
    with ExitStack() as stack:
        database_url = stack.enter_context(temporary_postgres())
        environment = os.environ | {
            "KAFKA_BROKERS": given.kafka_brokers,
            "DATABASE_URL": database_url,
            "REPRISE_PROFILE": "demo",
            "REPRISE_SHARDS": str(given.shards),
            "REPRISE_DATA": str(folder),
            "ENGINE_PORT": str(engine_port),
            "PROJECTOR_PORT": str(projector_port),
            "PORT": str(port),
            "JWT_SECRET": secrets.token_hex(32),
        }
        roots = {}
        for name in ("engine", "projector", "api"):
            command = reprise_command("run", name)
            process = stack.enter_context(running(command, folder / f"{name}.log", env=environment))
            roots[name] = psutil.Process(process.pid)
        wait_until_answered(f"http://{LOOPBACK}:{port}/readyz")
        stack.enter_context(_keeping_prices_fresh(given, interval_s, moves))
        yield Exchange(port, database_url, roots | servers())


@contextmanager
def _keeping_prices_fresh(settings: Settings, interval_s: float, moves: Callable[[int], int]) -> Iterator[None]:
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
        while not ended.wait(interval_s):
            send(prices(number, moves(number), clock))
            number += 1

    send(SelectFeed(name=FEED, run=RUN, live=False))
    for number in (1, 2):  # The second confirms the first.
        send(prices(number, 0, clock))
    thread = threading.Thread(target=send_periodically, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def register(port: int) -> dict[str, str]:
    """Register a user, and give what they sign in with."""
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    _post(f"http://{LOOPBACK}:{port}/api/v1/auth/register", credentials)
    return credentials


def new_token(port: int) -> str:
    """Register a user and sign them in."""
    credentials = register(port)
    return str(_post(f"http://{LOOPBACK}:{port}/api/v1/auth/login", credentials)["access_token"])


def _post(url: str, body: dict[str, str]) -> Any:
    reply = httpx.post(url, json=body, timeout=30.0, trust_env=False)
    reply.raise_for_status()
    return reply.json()


def wait_until_answered(url: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=5.0, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)  # Not started, or not ready.
        else:
            return
    raise FixableError(f"{url} did not answer in {READY_TIMEOUT_S:.0f} s.")
