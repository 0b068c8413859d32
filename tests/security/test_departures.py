"""A client that leaves before its answer is no error of the server: neither in its metrics nor in its log."""

import time
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.exchange import Exchange
from tests.processes import eventually
from tests.security.slow_clients import answer_to, connection, status_of

LEFT: Final = "499"
HEALTH: Final = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
JSON: Final = "Content-Type: application/json\r\n"
FORM: Final = "Content-Type: application/x-www-form-urlencoded\r\n"
# Requests whose bodies are read by what is not the framework.
READ: Final = {
    "a login by JSON": ("/api/v1/auth/login", JSON),
    "a login by a form": ("/api/v1/auth/login", FORM),
    "a login of the seeds": ("/auth/login", FORM),
    "no body": ("/api/v1/auth/refresh", ""),
    "close all": ("/api/v1/positions/close-all", ""),
    "a clock": ("/api/v1/admin/clock", ""),
    "a socket's ticket": ("/api/v1/ws-ticket", ""),
}
ERRORS: Final = ("unexpected", "Traceback", "Exception in ASGI", "RuntimeError")


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds."""
    return bounded


def count_of(exchange: Exchange, status: str) -> float:
    """How many requests were answered with a status."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(exchange.metrics())
        for sample in family.samples
        if sample.name == "request_seconds_count" and sample.labels["status"] == status
    )


def errors_of(exchange: Exchange, before: int) -> list[str]:
    """The lines of errors that the API logged since its log had a length."""
    return [line for line in exchange.services["api"].log[before:].splitlines() if any(map(line.__contains__, ERRORS))]


@pytest.mark.parametrize("what", READ)
def test_a_client_that_leaves_amid_a_body_is_no_error_of_the_server(exchange: Exchange, what: str) -> None:
    path, fields = READ[what]
    token = f"Authorization: Bearer {exchange.new_user().token}\r\n"
    request = f"POST {path} HTTP/1.1\r\nHost: here\r\n{token}{fields}Content-Length: 100\r\n\r\n{{"
    before, left, failed = len(exchange.services["api"].log), count_of(exchange, LEFT), count_of(exchange, "500")
    with connection(exchange.settings.port) as sent:
        sent.sendall(request.encode())
        time.sleep(0.2)
    eventually(lambda: count_of(exchange, LEFT), lambda count: count == left + 1, 5)
    assert count_of(exchange, "500") == failed
    assert errors_of(exchange, before) == []


def test_a_body_that_is_refused_as_too_slow_is_no_error_of_the_server(exchange: Exchange) -> None:
    before, failed = len(exchange.services["api"].log), count_of(exchange, "500")
    half = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{"
    assert status_of(answer_to(exchange.settings.port, half)) == 408
    assert count_of(exchange, "500") == failed
    assert errors_of(exchange, before) == []


@pytest.mark.parametrize("behind", [HEALTH, HEALTH * 40], ids=["one", "more than there may be"])
def test_a_client_that_leaves_with_requests_unanswered_is_no_error_of_the_server(
    exchange: Exchange, behind: bytes
) -> None:
    user = exchange.new_user()
    user.opened()
    before, failed = len(exchange.services["api"].log), count_of(exchange, "500")
    order = b'{"symbol": "BTC_USDC", "side": "long", "margin": "100", "leverage": "10"}'
    head = f"POST /api/v1/orders HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {user.token}\r\n{JSON}"
    with exchange.held("engine"), connection(exchange.settings.port) as sent:
        sent.sendall(f"{head}Content-Length: {len(order)}\r\n\r\n".encode() + order)
        time.sleep(0.2)
        sent.sendall(behind)
        time.sleep(0.2)
    eventually(lambda: user.get("/positions")["items"], lambda found: len(found) == 2, 10)
    assert count_of(exchange, "500") == failed
    assert errors_of(exchange, before) == []
