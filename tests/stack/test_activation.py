"""Version 2 of the rules is activated while orders go on, with two workers and standbys; one steps in."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import httpx
import pytest

from audit.log.cluster import open_cluster
from bench._workload import first_instruments
from reprise_client import Client as PythonClient
from reprise_client import Problem
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import decode_event
from schemas.events import PositionOpened, RulesActivated
from schemas.messages import Side
from stack import supervisor
from stack.foreground import running
from stack.instance import InstanceFolder
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from stack.start import instance_settings
from stack.status import status_of
from tests.kafka.workers import Client as LogClient
from tests.processes import eventually, reprise

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ADMIN: Final = ("ops@example.com", "correct horse battery staple")
TRADERS: Final = 6


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[InstanceFolder]:
    """An exchange whose ledger was born under version 1: its log begins with the instruments."""
    folder = InstanceFolder(tmp_path / "instance")
    port, controller_port, api_port = free_ports(3)
    command = prepare_broker(folder.kafka, port, controller_port, print)
    with running(command, tmp_path / "broker.log") as process:
        wait_for_broker(port, lambda: process.poll() is None)
        settings = Settings(kafka_brokers=f"{LOOPBACK}:{port}")
        ensure_topics(settings)
        client = LogClient(settings)
        for shard in range(settings.shards):
            client.append(shard, [first_instruments(shard)])
    try:
        options = ("--detach", "--workers", 2, "--standby", "--feed", "simulated", "--port", api_port)
        said = reprise("up", *options, "--data", folder.data, timeout=300)
        assert said.returncode == 0, said.stdout + said.stderr
        yield folder
    finally:
        supervisor.stop(folder, print)


class Trading:
    """People who open and close one position after the other, in a thread, for the length of a block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_over = False
        self._pool = ThreadPoolExecutor(1)
        self.orders: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._all = self._pool.submit(asyncio.run, self._trade_all())
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._all.result()
        self._pool.shutdown()

    async def _trade_all(self) -> None:
        await asyncio.gather(*(self._trade(number) for number in range(TRADERS)))

    async def _trade(self, number: int) -> None:
        side: Side = "long" if number % 2 else "short"
        async with PythonClient(self._url, patience_s=60) as person:
            await person.register(f"trader-{number}@example.com", "correct horse battery staple")
            while not self._is_over:
                try:
                    order = await person.place_order("BTC_USDC", side, margin="20", leverage=10)
                    self.orders["opened"] += 1
                    await person.close(str(order.position_id))
                except Problem as problem:
                    self.orders[problem.code] += 1

    def until_opened(self, count: int) -> None:
        """Wait until so many more positions were opened."""
        goal = self.orders["opened"] + count
        eventually(lambda: self.orders["opened"], lambda opened: opened >= goal or self._all.done(), timeout_s=90)


def test_version_2_is_activated_while_orders_go_on_and_an_engine_is_killed_and_the_audit_agrees(
    instance: InstanceFolder,
) -> None:
    described = instance.read()
    assert described is not None
    url = f"http://{LOOPBACK}:{described.api_port}"
    added = reprise("user", "add", ADMIN[0], "--role", "admin", "--data", instance.data, timeout=60, typed=ADMIN[1])
    assert added.returncode == 0, added.stderr
    with (
        httpx.Client(base_url=f"{url}/api/v1", timeout=30) as http,
        Trading(url) as trading,
    ):
        signed_in = http.post("/auth/login", json={"email": ADMIN[0], "password": ADMIN[1]}).json()
        http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        before = http.get("/admin/rules").json()
        assert (before["in_force"], before["newest"]) == (1, 2)
        trading.until_opened(3 * TRADERS)
        asked = http.post("/admin/rules", json={"version": 2})
        assert asked.is_success, asked.text
        os.kill(pid_of(instance, "engine-1"), signal.SIGKILL)
        eventually(lambda: http.get("/admin/rules").json(), lambda rules: rules["in_force"] == 2)
        trading.until_opened(5 * TRADERS)

    assert set(trading.orders) <= {"opened", "PRICE_STALE", "PRICE_TOO_OLD"}, "nothing was lost"
    log = open_cluster(instance_settings(Settings(), instance, described))
    for shard in log.held:
        events = [decode_event(record.value) for batch in log.events(shard, 0) for record in batch]
        (activated,) = (event.seq for event in events if isinstance(event, RulesActivated))
        opened = {event.seq > activated for event in events if isinstance(event, PositionOpened)}
        assert opened in (set(), {False, True}), f"shard {shard} traded before and after"
    verified = reprise("audit", "verify", "--data", instance.data, timeout=180)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def pid_of(instance: InstanceFolder, name: str) -> int:
    (pid,) = (process["pid"] for process in status_of(instance)["processes"] if process["name"] == name)
    return int(pid)
