"""The pages of a service without a web framework: alive, ready or why not, metrics, status."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from runtime.pages import Pages, Readiness
from stack.ports import free_ports


@pytest.fixture
def readiness() -> list[Readiness]:
    """The last one is the service's current state."""
    return [Readiness(ready=True, why=None)]


@pytest.fixture
def address(readiness: list[Readiness]) -> Iterator[str]:
    registry = CollectorRegistry()
    Counter("things", "Things that were counted.", registry=registry).inc(3)
    pages = Pages("127.0.0.1", free_ports(1)[0], lambda: readiness[-1], lambda: {"lag": 7}, registry)
    pages.start()
    yield f"http://127.0.0.1:{pages.port}"
    pages.stop()


def test_healthz_of_a_running_service_answers_200(address: str) -> None:
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_readyz_of_a_service_that_cannot_work_answers_503_with_the_reason(
    address: str, readiness: list[Readiness]
) -> None:
    assert httpx.get(f"{address}/readyz").status_code == 200
    readiness.append(Readiness(ready=False, why="the broker does not answer"))
    answer = httpx.get(f"{address}/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "why": "the broker does not answer"}


def test_a_service_serves_metrics_and_status(address: str) -> None:
    assert "things_total 3.0" in httpx.get(f"{address}/metrics").text
    assert httpx.get(f"{address}/status?x=1").json() == {"lag": 7}


def test_an_unknown_path_answers_404_with_a_list_of_the_pages(address: str) -> None:
    answer = httpx.get(f"{address}/")
    assert answer.status_code == 404
    assert "/status" in answer.json()["pages"]
