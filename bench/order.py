"""What an order over HTTP and over a WebSocket costs: CPU time by process, rate and latency, beside a bare endpoint.

The same load goes in turns to an instance as `./reprise up` makes it and to the bare endpoint; where that is asked for,
to one of open servers too: no passwords, no rules of who may do what, a superuser of the database.
"""

import asyncio
import json as json_format
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import repeat
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import uvloop

from bench._exchange import new_token, wait_until_answered
from bench._http_load import Connection, connect, post, send_at_even_intervals, send_at_full_speed
from bench._instance import RunningInstance, running_instance
from bench._quantiles import latencies
from bench._requests import counted_requests
from bench._socket_load import send_over_sockets
from bench._workload import COMMANDS_PER_ACCOUNT
from bench.report.figures import CpuUse, Figure, Measured, rounded
from runtime.errors import FixableError
from runtime.python import python_command
from schemas.instruments import SYMBOLS
from stack.foreground import running
from stack.ports import LOOPBACK, free_ports
from stack.temporary import temporary_broker, temporary_postgres

COUNT: Final = 6_400
CONNECTIONS: Final = 32  # an account and a socket each
PACED_PER_SECOND: Final = 100
PACED_S: Final = 20
TURNS: Final = 4
WARM_UP: Final = 12_800  # orders, of accounts of their own; about 30 s
BARE_ENDPOINT: Final = "import sys; from bench._bare_endpoint import main; main(int(sys.argv[1]))"
ORDER: Final = {"symbol": SYMBOLS[0], "side": "long", "type": "market", "margin": "1", "leverage": "10"}
BODY: Final = json_format.dumps(ORDER).encode()
CREATED: Final = 201
COUNTED_S: Final = 5


class OrderTarget(NamedTuple):
    """Where orders are sent, those of each connection, and whose CPU time counts. tokens: of those over sockets.

    first_requests: those that come before what is measured.
    """

    port: int
    requests: Sequence[Iterator[bytes]]
    first_requests: Sequence[Iterator[bytes]]
    instance: RunningInstance | None
    tokens: Sequence[str] = ()


class LoadSlice(NamedTuple):
    """A part of a load: its duration, CPU seconds by process, and the seconds of each order."""

    duration: float
    cpu_seconds: dict[str, float]
    seconds: list[float]


class Load(NamedTuple):
    """What all slices of a load at one place come to; its slices stay, to show how they differ."""

    slices: list[LoadSlice]

    @property
    def seconds(self) -> list[float]:
        """Of each order, sorted."""
        return sorted(second for each in self.slices for second in each.seconds)

    @property
    def per_second(self) -> float:
        return len(self.seconds) / sum(each.duration for each in self.slices)

    def rates(self) -> tuple[float, ...]:
        """Orders a second in each slice."""
        return tuple(round(len(each.seconds) / each.duration) for each in self.slices)

    def cpu_ms(self) -> float:
        """Milliseconds of an order, of all processes."""
        return sum(sum(each.cpu_seconds.values()) for each in self.slices) * 1_000 / len(self.seconds)

    def cpu_use(self, what: str) -> CpuUse:
        """Give the CPU time by process."""
        seconds = {name: sum(each.cpu_seconds[name] for each in self.slices) for name in self.slices[0].cpu_seconds}
        return CpuUse(what=what, each="order", count=len(self.seconds), seconds=seconds)


Loads = dict[str, dict[str, Load]]  # by place and pace


def run(count: int = COUNT, warm_up: int = WARM_UP, open_servers: int = 0) -> Measured:
    """Send `count` orders, each with a key, as fast as they are answered, then 100 a second; others before them.

    warm_up: orders before, for a broker costs twice as much until its Java has compiled what such a load runs, half a
    minute. open_servers: 1 lets an instance of open servers take turns too; it takes time of the others while it idles.
    """
    per_connection, first = -(-count // CONNECTIONS), -(-warm_up // CONNECTIONS)
    paced = (PACED_S + COUNTED_S) * PACED_PER_SECOND // CONNECTIONS
    if max(per_connection + TURNS + paced, first) >= COMMANDS_PER_ACCOUNT:
        raise FixableError(f"An account may send {COMMANDS_PER_ACCOUNT} orders here; choose a smaller count.")
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        places = {"instance": _instance(stack, folder / "instance", {}), "bare": _bare(stack, folder)}
        if open_servers:
            brokers = stack.enter_context(temporary_broker(small=False))
            given = {"KAFKA_BROKERS": brokers, "DATABASE_URL": stack.enter_context(temporary_postgres())}
            places["open_servers"] = _instance(stack, folder / "open", given)
        loads, requests = uvloop.run(_loads(places, per_connection, first))
    figures = [*_figures(loads), *requests]
    cpu = [
        of_place[pace].cpu_use(f"{_words(place)}, {_words(pace)}")
        for place, of_place in loads.items()
        for pace in of_place
        if place != "bare"
    ]
    return Measured(figures=figures, cpu=cpu)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figures(loads: Loads) -> list[Figure]:
    full, paced = loads["instance"]["full_speed"], loads["instance"]["paced"]
    bare = loads["bare"]["full_speed"]
    found = [
        Figure(
            name="orders_per_second",
            label=f"orders at {CONNECTIONS} connections",
            value=rounded(full.per_second),
            unit="orders/s",
            runs=full.rates(),
        ),
        Figure(
            name="bare_per_second",
            label="the same to a bare endpoint",
            value=rounded(bare.per_second),
            unit="orders/s",
            peer="FastAPI",
            runs=bare.rates(),
        ),
        _figure("cpu_ms", "CPU time of all processes", full.cpu_ms(), "ms"),
        _figure("paced_cpu_ms", f"the same at {PACED_PER_SECOND} a second", paced.cpu_ms(), "ms"),
        *latencies("full_speed_", "order to reply, full speed", [each.seconds for each in full.slices]),
        *latencies("paced_", f"order to reply at {PACED_PER_SECOND}/s", [each.seconds for each in paced.slices]),
        *latencies(
            "bare_paced_",
            f"bare endpoint at {PACED_PER_SECOND}/s",
            [each.seconds for each in loads["bare"]["paced"].slices],
            peer="FastAPI",
        ),
    ]
    sockets = loads["instance"]["over_sockets"]
    found += [
        Figure(
            name="ws_orders_per_second",
            label=f"orders over {CONNECTIONS} WebSockets",
            value=rounded(sockets.per_second),
            unit="orders/s",
            runs=sockets.rates(),
        ),
        _figure("ws_cpu_ms", "CPU time of an order over a WebSocket, all processes", sockets.cpu_ms(), "ms"),
        *latencies("ws_", "order to outcome over a WebSocket, full speed", [each.seconds for each in sockets.slices]),
    ]
    if "open_servers" in loads:
        ratio = full.cpu_ms() / loads["open_servers"]["full_speed"].cpu_ms()
        found.append(_figure("passwords_ratio", "CPU time to that of servers without passwords", ratio, "times"))
    return found


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)


def _instance(stack: ExitStack, folder: Path, environment: dict[str, str]) -> OrderTarget:
    instance = stack.enter_context(running_instance(folder, environment))
    first, over_http, over_sockets = ([new_token(instance.port) for _ in range(CONNECTIONS)] for _ in range(3))
    return OrderTarget(instance.port, list(map(orders, over_http)), list(map(orders, first)), instance, over_sockets)


def _bare(stack: ExitStack, folder: Path) -> OrderTarget:
    (port,) = free_ports(1)
    stack.enter_context(running(python_command("-c", BARE_ENDPOINT, str(port)), folder / "bare.log"))
    wait_until_answered(f"http://{LOOPBACK}:{port}/openapi.json")
    requests = [repeat(post("/orders", BODY)) for _ in range(CONNECTIONS)]
    return OrderTarget(port, requests, requests, None)


async def _loads(places: dict[str, OrderTarget], per_connection: int, first: int) -> tuple[Loads, list[Figure]]:
    """Send to one place after the other in turns, so that what warms up, or disturbs the machine, is in each figure.

    At the end some more, at the even pace, of which the broker's requests are counted.
    """
    for place in places.values():
        async with _connected(place) as connections:
            await send_at_full_speed(connections, place.first_requests, first, CREATED)
    share = -(-per_connection // TURNS)
    paces = ("full_speed", "paced", "over_sockets")
    found: Loads = {name: {pace: Load([]) for pace in paces[: 3 if places[name].tokens else 2]} for name in places}
    for turn in range(TURNS):
        for name in places if turn % 2 == 0 else reversed(places):
            full_speed, paced = await _slices(places[name], share)
            found[name]["full_speed"].slices.append(full_speed)
            found[name]["paced"].slices.append(paced)
            if places[name].tokens:
                found[name]["over_sockets"].slices.append(await _over_sockets(places[name], share))
    return found, await _requests(places["instance"])


async def _requests(place: OrderTarget) -> list[Figure]:
    """Count the broker's requests while orders come at the even pace, and while none come."""
    assert place.instance is not None, "an instance has a broker"
    broker = place.instance.roots["kafka"]
    count = COUNTED_S * PACED_PER_SECOND
    with counted_requests(broker) as idle:
        await asyncio.sleep(COUNTED_S)
    with counted_requests(broker) as busy:
        async with _connected(place) as connections:
            await send_at_even_intervals(connections, place.requests, PACED_PER_SECOND, count, CREATED)
    label = f"requests to the broker for an order at {PACED_PER_SECOND}/s"
    return [
        *(_figure(f"{kind}_requests", f"{label}: {_words(kind)}", busy[kind] / count, "requests") for kind in busy),
        _figure("idle_requests", "requests to the broker without orders", sum(idle.values()) / COUNTED_S, "requests/s"),
    ]


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


async def _over_sockets(place: OrderTarget, per_connection: int) -> LoadSlice:
    """Send as many over a socket of each account of its own, many in flight on each."""
    before = _cpu(place.instance)
    duration, seconds = await send_over_sockets(place.port, place.tokens, ORDER, per_connection)
    return LoadSlice(duration, _difference(before, _cpu(place.instance)), seconds)


@asynccontextmanager
async def _connected(place: OrderTarget) -> AsyncIterator[list[Connection]]:
    """Sockets of their own for each turn: the server closes those that stay silent."""
    connections = [await connect(place.port) for _ in place.requests]
    yield connections
    await asyncio.gather(*(connection.close() for connection in connections))


def _cpu(instance: RunningInstance | None) -> dict[str, float]:
    return {} if instance is None else instance.cpu_seconds()


def _difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def orders(token: str) -> Iterator[bytes]:
    """Give orders of an account for ever, each with a key of its own."""
    while True:
        yield post("/api/v1/orders", BODY, {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())})
