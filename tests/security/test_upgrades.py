"""An upgrade that is not to a WebSocket changes nothing: its request is read, and what follows is served in order."""

import json
import time
from typing import Final
from uuid import uuid4

import pytest

from tests.api.exchange import Exchange, User
from tests.security.slow_clients import answer_to, connection, read_to_the_end, statuses

ORDER: Final = json.dumps({"symbol": "BTC_USDC", "side": "long", "margin": "1", "leverage": "10"}).encode()
LAST: Final = b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
JSON: Final = b"Host: here\r\nContent-Type: application/json\r\n"
# A body that would be a request of its own.
INNER: Final = b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
KEY: Final = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
HTTP2: Final = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
WEBSOCKET: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY
IGNORED: Final = {
    "HTTP/2": HTTP2,
    "TLS": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "in capitals": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n",
    "several": b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c, IRC/6.9, RTA/x11\r\n",
    "several lines": b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: TLS/1.0\r\n",
    "no name": b"Connection: Upgrade\r\nUpgrade:\r\n",
    "a name like a WebSocket's": b"Connection: Upgrade\r\nUpgrade: websockets\r\n",
    "no connection": b"Upgrade: h2c\r\n",
    "a WebSocket without a connection": b"Upgrade: websocket\r\n" + KEY,
    "a connection only": b"Connection: Upgrade\r\n",
    "the last line closes": b"Connection: Upgrade\r\nUpgrade: h2c\r\nConnection: keep-alive\r\n",
}


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds."""
    return bounded


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    """Whose orders are filled: the price is fresh."""
    made = exchange.new_user()
    made.opened(margin="1")
    return made


def with_length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def in_chunks(body: bytes) -> bytes:
    half = len(body) // 2
    chunks = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body[:half], body[half:], b"")]
    return b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def order(user: User, upgrade: bytes, rest: bytes) -> bytes:
    """An order with an upgrade among its headers. rest: the last header and the body."""
    head = (
        "POST /api/v1/orders HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {user.token}\r\nIdempotency-Key: {uuid4()}\r\n"
    )
    return head.encode() + upgrade + rest


@pytest.mark.parametrize("upgrade", IGNORED.values(), ids=IGNORED)
def test_a_request_whose_upgrade_is_ignored_is_read_with_its_body(
    exchange: Exchange, user: User, upgrade: bytes
) -> None:
    with connection(exchange.settings.port) as sent:
        for body in (with_length(ORDER), in_chunks(ORDER)):
            sent.sendall(order(user, upgrade, body))
        sent.sendall(LAST)
        assert statuses(read_to_the_end(sent)) == [201, 201, 200]


@pytest.mark.parametrize("upgrade", IGNORED.values(), ids=IGNORED)
def test_a_request_behind_one_whose_upgrade_is_ignored_is_served(
    exchange: Exchange, user: User, upgrade: bytes
) -> None:
    bare = b"GET /healthz HTTP/1.1\r\nHost: here\r\n" + upgrade + b"\r\n"
    requests = bare + order(user, b"", with_length(ORDER)) + bare + bare + order(user, upgrade, in_chunks(ORDER)) + LAST
    assert statuses(answer_to(exchange.settings.port, requests)) == [200, 201, 200, 200, 201, 200]


@pytest.mark.parametrize("upgrade", IGNORED.values(), ids=IGNORED)
@pytest.mark.parametrize("framed", [with_length, in_chunks], ids=["a length", "chunks"])
def test_the_body_of_a_request_with_an_upgrade_is_no_request(
    exchange: Exchange, upgrade: bytes, framed: object
) -> None:
    assert callable(framed)
    head, _, body = framed(INNER).partition(b"\r\n\r\n")
    with connection(exchange.settings.port) as sent:
        sent.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\n" + JSON + upgrade + head + b"\r\n\r\n")
        time.sleep(0.05)
        sent.sendall(body)
        time.sleep(0.05)
        sent.sendall(LAST)
        assert statuses(read_to_the_end(sent)) == [422, 200]


def test_a_head_with_an_upgrade_is_read_however_it_is_cut(exchange: Exchange, user: User) -> None:
    request = order(user, HTTP2, with_length(ORDER)) + LAST
    for size in (1, 7, 100):
        with connection(exchange.settings.port) as sent:
            for start in range(0, len(request), size):
                sent.sendall(request[start : start + size])
            assert statuses(read_to_the_end(sent)) == [201, 200]
        request = order(user, HTTP2, with_length(ORDER)) + LAST


def test_an_upgrade_of_http_1_0_is_ignored_also_to_a_websocket(exchange: Exchange) -> None:
    for upgrade in (HTTP2, WEBSOCKET):
        request = b"GET /api/v1/ws HTTP/1.0\r\nHost: here\r\n" + upgrade + b"\r\n"
        assert statuses(answer_to(exchange.settings.port, request + LAST)) == [404]


@pytest.mark.parametrize("address", [b"here:443", b"/", b"http://here/"])
def test_a_tunnel_is_refused_and_ends_the_connection(exchange: Exchange, address: bytes) -> None:
    for body in (b"\r\n", with_length(INNER)):
        request = b"CONNECT " + address + b" HTTP/1.1\r\nHost: here\r\n" + body
        assert statuses(answer_to(exchange.settings.port, request + LAST)) == [400]


def test_trailers_upgrade_nothing(exchange: Exchange, user: User) -> None:
    chunks = in_chunks(ORDER)[:-2]
    for upgrade in (b"", b"Upgrade: h2c\r\n", b"Connection: Upgrade\r\n", HTTP2):
        requests = order(user, upgrade, chunks + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n") + LAST
        assert statuses(answer_to(exchange.settings.port, requests)) == [201, 200]


def test_a_handshake_is_taken_among_other_upgrades(exchange: Exchange) -> None:
    for upgrade in (b"Upgrade: h2c, WebSocket\r\n", b"Upgrade: websocket\r\nUpgrade: h2c\r\n"):
        with connection(exchange.settings.port) as sent:
            sent.sendall(b"GET /api/v1/ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\n" + upgrade + KEY + b"\r\n")
            assert statuses(sent.recv(65_536)) == [101]


REFUSED: Final = {
    "a POST": (b"POST", WEBSOCKET, 405),
    "a wrong version": (b"GET", WEBSOCKET.replace(b"13", b"8"), 400),
    "a wrong key": (b"GET", WEBSOCKET.replace(b"dGhl", b""), 400),
    "no key": (b"GET", b"Connection: Upgrade\r\nUpgrade: websocket\r\n", 400),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_handshake_with_what_follows_has_one_answer(exchange: Exchange, what: str) -> None:
    method, upgrade, status = REFUSED[what]
    head = method + b" /api/v1/ws HTTP/1.1\r\nHost: here\r\n" + upgrade
    port = exchange.settings.port
    assert statuses(answer_to(port, head + b"\r\n" + INNER)) == [status]
    assert statuses(answer_to(port, head + with_length(INNER))) == [400]
    assert statuses(answer_to(port, head + in_chunks(INNER))) == [400]


@pytest.mark.parametrize("server", ["api", "engine", "replay", pytest.param("projector", marks=pytest.mark.slow)])
def test_every_server_ignores_an_upgrade_and_reads_the_body(exchange: Exchange, server: str) -> None:
    port: int = getattr(exchange.settings, "port" if server == "api" else f"{server}_port")
    upgrades = (HTTP2,) if server == "api" else (HTTP2, WEBSOCKET)
    for upgrade in upgrades:
        for body in (with_length(INNER), in_chunks(INNER)):
            request = b"GET /healthz HTTP/1.1\r\nHost: here\r\n" + upgrade + body
            assert statuses(answer_to(port, request * 2 + LAST)) == [200, 200, 200]
