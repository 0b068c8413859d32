"""Another process that takes the port of a service's pages stops no trading: a page is never a reason not to trade."""

import socket
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bench._workload import first_instruments
from runtime.kafka import end_offsets
from schemas.topics import EVENTS
from stack.ports import LOOPBACK, free_ports
from tests.conftest import SettingsFactory
from tests.kafka.workers import Client as LogClient
from tests.processes import ServiceProcess, eventually, gone_at_the_end

PAGES = {
    "engine": "engine_port",
    "market-data": "market_data_port",
    "projector": "projector_port",
    "venue": "venue_port",
}


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/healthz").is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    "name", ["engine", *(pytest.param(name, marks=pytest.mark.slow) for name in PAGES if name != "engine")]
)
def test_a_service_goes_on_without_its_pages_and_has_them_once_their_port_is_free(
    name: str, settings: SettingsFactory, postgres: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    given = settings(
        database_url=postgres, data=tmp_path, encryption_key="a-key-of-the-tests-with-32-bytes", **{PAGES[name]: port}
    )
    taken = socket.create_server((LOOPBACK, port))
    started = ServiceProcess(name, given, tmp_path / "output")
    with closing(taken), gone_at_the_end(started):
        eventually(lambda: started.log, lambda log: "no pages while another process has their port" in log)
        if name == "engine":
            client = LogClient(given)
            for shard in range(given.shards):
                client.append(shard, [first_instruments(shard)])
            eventually(lambda: end_offsets(given, EVENTS), lambda ends: min(ends) > 0)
        assert started.process.poll() is None
        taken.close()
        eventually(lambda: answers(port), bool)
        assert started.process.poll() is None
