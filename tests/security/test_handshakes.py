"""A WebSocket handshake that is refused gets an answer at once, like any request, and frees its connection's place."""

import json
from typing import Final

import pytest

from runtime.http_headers import SECURITY_HEADERS
from tests.api.exchange import Exchange
from tests.processes import eventually
from tests.security.slow_clients import answer_to, connection, connections, seconds_until_ended, status_of

UPGRADE: Final = (
    b"Host: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
GET: Final = b"GET /api/v1/ws HTTP/1.1\r\n" + UPGRADE
POST: Final = b"POST /api/v1/ws HTTP/1.1\r\n" + UPGRADE
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
# What the library of WebSockets reads as no handshake, and the answer.
UNREADABLE: Final = {
    "a body": (GET + b"Content-Length: 2\r\n\r\n{}", 400),
    "chunks": (GET + CHUNKED, 400),
    "a POST with a body": (POST + b"Content-Length: 2\r\n\r\n{}", 400),
    "a POST with chunks": (POST + CHUNKED, 400),
    "a long header": (GET + b"X-Long: " + b"a" * 9_000 + b"\r\n\r\n", 431),
    "a long address": (b"GET /api/v1/ws?" + b"a" * 20_000 + b" HTTP/1.1\r\n" + UPGRADE + b"\r\n", 431),
}


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds."""
    return bounded


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_handshake_that_cannot_be_read_is_refused_at_once(exchange: Exchange, what: str) -> None:
    handshake, status = UNREADABLE[what]
    answer = answer_to(exchange.settings.port, handshake)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == status
    assert json.loads(body)["status"] == status
    assert b"x-content-type-options: nosniff" in head


def test_a_handshake_whose_body_does_not_arrive_ends(exchange: Exchange) -> None:
    with connection(exchange.settings.port) as half:
        half.sendall(GET + b"Content-Length: 9\r\n\r\n{")
        assert seconds_until_ended(half) < 8


def test_handshakes_that_cannot_be_read_take_no_place_from_other_clients(exchange: Exchange) -> None:
    most = exchange.settings.http_connections
    with connections(exchange.settings.port, 2 * most, UNREADABLE["a body"][0]):
        eventually(lambda: status_of(health(exchange)), lambda status: status == 200, 5)


# What the library reads, and refuses.
REFUSED: Final = {
    "a POST": (POST + b"\r\n", 405),
    "no key": (GET.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"") + b"\r\n", 400),
    "a bad key": (GET.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"bad") + b"\r\n", 400),
    "a bad version": (GET.replace(b"13", b"12") + b"\r\n", 400),
    "another site": (GET + b"Origin: https://evil.example\r\n\r\n", 403),
    "a route of HTTP": (GET.replace(b"/api/v1/ws", b"/api/v1/tickers") + b"\r\n", 403),
    "the seeds' route without a token": (GET.replace(b"/api/v1/ws", b"/") + b"\r\n", 401),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_handshake_has_the_security_headers(exchange: Exchange, what: str) -> None:
    handshake, status = REFUSED[what]
    answer = answer_to(exchange.settings.port, handshake)
    assert status_of(answer) == status
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def health(exchange: Exchange) -> bytes:
    return answer_to(exchange.settings.port, b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
