"""What time at half load changes: memory, latency and disk, which stay flat or grow as the log does."""

import asyncio
import json as json_format
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import uvloop

from bench._exchange import new_token, register
from bench._http_load import ClosedConnection, Connection, UnexpectedReply, connect, post, send_at_full_speed
from bench._instance import RunningInstance, running_instance
from bench._quantiles import latencies, quantile
from bench._workload import COMMANDS_PER_ACCOUNT
from bench.order import BODY, CONNECTIONS, CREATED, orders
from bench.report.figures import CpuUse, Figure, Measured, rounded
from schemas.topics import COMMANDS, EVENTS
from stack.instance import InstanceFolder

MINUTES: Final = 60
CALIBRATION: Final = 3_200  # orders
WINDOWS: Final = 6  # an even number: the second half is compared with the first
REMEMBERED_S: Final = 600  # for which an account may send COMMANDS_PER_ACCOUNT orders
TOKEN_S: Final = 600.0  # a token lasts 900 s
SILENT_S: Final = 2.0  # the server closes a connection that is silent for five
OK: Final = 200
MB: Final = 1_000_000
BLOCK: Final = 512  # bytes of what `st_blocks` counts


class Window(NamedTuple):
    """A part of the time: the seconds of each order, sorted, and what there was at its end."""

    seconds: list[float]
    resident: dict[str, int]
    log_bytes: int
    disk_bytes: int


def run(minutes: int = MINUTES, orders_first: int = CALIBRATION) -> Measured:
    """Find how many orders a second there can be, then send half as many for so long: openings, and their closes."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name) / "instance"
        with running_instance(folder, {}) as instance:
            full = uvloop.run(_full_speed(instance, orders_first))
            per_second = full / 2
            accounts = max(CONNECTIONS, -(-round(per_second / 2 * REMEMBERED_S) // COMMANDS_PER_ACCOUNT))
            traders = [Trader(instance.port) for _ in range(accounts)]
            before = instance.cpu_seconds()
            soak = Soak(instance, InstanceFolder(folder), per_second, minutes * 60 / WINDOWS)
            windows = uvloop.run(soak.run(traders))
            cpu = {name: seconds - before[name] for name, seconds in instance.cpu_seconds().items()}
    count = sum(len(window.seconds) for window in windows)
    figures = _figures(full, minutes, windows, soak)
    return Measured(figures=figures, cpu=[CpuUse(what="at half load", each="order or close", count=count, seconds=cpu)])


async def _full_speed(instance: RunningInstance, count: int) -> float:
    """Give the orders a second at full speed, after some that warm up."""
    requests = [orders(new_token(instance.port)) for _ in range(CONNECTIONS)]
    connections = [await connect(instance.port) for _ in requests]
    await send_at_full_speed(connections, requests, -(-count // 2 // CONNECTIONS), CREATED)
    per_second, _ = await send_at_full_speed(connections, requests, -(-count // CONNECTIONS), CREATED)
    await asyncio.gather(*(connection.close() for connection in connections))
    return per_second


class Trader:
    """An account that opens a position, closes it, and so on."""

    def __init__(self, port: int) -> None:
        self._port = port
        credentials = register(port)
        self._login = post("/api/v1/auth/login", json_format.dumps(credentials).encode())
        self._token = ""
        self._signed_in_at = float("-inf")
        self._position: str | None = None
        self._connection: Connection | None = None
        self._used_at = 0.0

    async def sign_in(self) -> bool:
        """Connect, and get a token where there is none that lasts; say whether: what that takes is no order's time."""
        if self._connection is not None and time.monotonic() - self._used_at > SILENT_S:
            await self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = await connect(self._port)
        self._used_at = time.monotonic()
        if time.monotonic() - self._signed_in_at > TOKEN_S:
            self._token = json_format.loads(await self._connection.post(self._login, OK))["access_token"]
            self._signed_in_at = time.monotonic()
            return True
        return False

    async def act(self) -> None:
        """Open a position, or close the one that is open; UnexpectedReply where its outcome did not come."""
        assert self._connection is not None, "it has signed in"
        position, self._position = self._position, None
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(uuid4())}
        if position is None:
            reply = await self._connection.post(post("/api/v1/orders", BODY, headers), CREATED)
            self._position = json_format.loads(reply)["position_id"]
        else:
            await self._connection.post(post(f"/api/v1/positions/{position}/close", b"{}", headers), OK)


class Soak:
    """The load at an even pace, and what there is at the end of each window."""

    def __init__(self, instance: RunningInstance, folder: InstanceFolder, per_second: float, window_s: float) -> None:
        self._instance = instance
        self._folder = folder
        self._per_second = per_second
        self._window_s = window_s
        self._started = 0.0
        self._seconds: list[list[float]] = [[] for _ in range(WINDOWS)]
        self.without_outcome = 0
        self.log_bytes_before = 0
        self.disk_bytes_before = 0

    async def run(self, traders: list[Trader]) -> list[Window]:
        """Send for all windows."""
        for trader in traders:
            await trader.sign_in()
        self.log_bytes_before, self.disk_bytes_before = self._log_bytes(), self._disk_bytes()
        self._started = time.perf_counter()
        trading = [asyncio.create_task(self._trade(traders, number)) for number in range(len(traders))]
        ends = []
        for number in range(WINDOWS):
            await asyncio.sleep(max(0.0, self._started + (number + 1) * self._window_s - time.perf_counter()))
            ends.append((self._instance.resident_bytes(), self._log_bytes(), self._disk_bytes()))
        await asyncio.gather(*trading)
        return [Window(sorted(seconds), *end) for seconds, end in zip(self._seconds, ends, strict=True)]

    async def _trade(self, traders: list[Trader], number: int) -> None:
        """Send one trader's part of the load, each order at its time, whether or not the others were answered."""
        trader = traders[number]
        while (due := self._started + number / self._per_second) < self._started + WINDOWS * self._window_s:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            window = self._seconds[int((due - self._started) / self._window_s)]
            began = time.perf_counter() if await trader.sign_in() else due
            try:
                await trader.act()
            except ClosedConnection:
                raise
            except UnexpectedReply:
                self.without_outcome += 1
            window.append(time.perf_counter() - began)
            number += len(traders)

    def _log_bytes(self) -> int:
        """Bytes of commands and events."""
        partitions = (path for topic in (COMMANDS, EVENTS) for path in self._folder.kafka_log.glob(f"{topic}-*"))
        return sum(segment.stat().st_size for partition in partitions for segment in partition.glob("*.log"))

    def _disk_bytes(self) -> int:
        """Bytes that all files of broker and database take."""
        found = 0
        for folder in (self._folder.kafka, self._folder.postgres):
            for path in folder.rglob("*"):
                with suppress(FileNotFoundError):  # It was there a moment ago.
                    found += path.lstat().st_blocks * BLOCK
        return found


def _figures(full: float, minutes: int, windows: list[Window], soak: Soak) -> list[Figure]:
    first, second = windows[: WINDOWS // 2], windows[WINDOWS // 2 :]
    middle, end = first[-1], second[-1]
    counts = [sum(len(window.seconds) for window in half) for half in (first, second)]
    log = [middle.log_bytes - soak.log_bytes_before, end.log_bytes - middle.log_bytes]
    per_order = [grown / count for grown, count in zip(log, counts, strict=True)]
    memory = [sum(window.resident.values()) / MB for window in windows]
    p50 = [quantile(sorted(second for window in half for second in window.seconds), 500) for half in (first, second)]
    return [
        _figure("minutes", "time", minutes, "min"),
        _figure("full_per_second", f"orders at {CONNECTIONS} connections before", full, "orders/s"),
        _figure("orders_per_second", "orders and closes sent, half of that", sum(counts) / minutes / 60, "orders/s"),
        _figure("without_outcome", "of which without an outcome in time", soak.without_outcome, "orders"),
        *latencies("", "order to reply", [window.seconds for window in windows]),
        _figure("p50_ratio", "median, second half to first", p50[1] / p50[0], "times"),
        _figure("memory_mb", "memory of all processes at the end", memory[-1], "MB"),
        _figure("memory_ratio", "memory, end to half time", memory[-1] / memory[WINDOWS // 2 - 1], "times"),
        *(
            _figure(f"memory_{name}_mb", f"of which: {name}", resident / MB, "MB")
            for name, resident in end.resident.items()
        ),
        _figure("log_bytes", "the log grows by an order, prices included", per_order[1], "B"),
        _figure("disk_ratio", "log bytes of an order, second half to first", per_order[1] / per_order[0], "times"),
        _figure("disk_mb", "disk taken meanwhile, all files", (end.disk_bytes - soak.disk_bytes_before) / MB, "MB"),
    ]


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)
