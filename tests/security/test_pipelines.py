"""What a client sends behind a request never takes the place of that request's answer."""

import json
import time
from typing import Final
from uuid import uuid4

import pytest

from runtime.http_bounds import HEAD_MAX, PIPELINED_MAX
from tests.api.exchange import Exchange, User
from tests.security.slow_clients import connection, read_to_the_end, statuses

ORDER: Final = json.dumps({"symbol": "BTC_USDC", "side": "long", "margin": "100", "leverage": "10"}).encode()
HEALTH: Final = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
UPGRADE: Final = (
    b"GET /api/v1/ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HALF: Final = b"POST /auth/login HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
# What is sent behind an order, and the statuses of the answers.
BEHIND: Final = {
    "no request": (b"\x00\x01garbage\r\n\r\n", [201, 400]),
    "a long head": (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * HEAD_MAX + b"\r\n\r\n", [201, 431]),
    "many requests": (HEALTH * (PIPELINED_MAX + 1), [201, *[200] * PIPELINED_MAX, 400]),
    "a request, then none": (HEALTH + b"\x00\x01garbage\r\n\r\n", [201, 200, 400]),
    "a handshake": (UPGRADE, [201, 400]),
    "a handshake with a body": (UPGRADE[:-2] + b"Content-Length: 2\r\n\r\n{}", [201, 400]),
    "a request, then a handshake": (HEALTH + UPGRADE, [201, 200, 400]),
    "a body that is none": (HALF.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked") + b"\r\n", [201, 400]),
}


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds."""
    return bounded


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    """Whose orders are filled: the price is fresh."""
    made = exchange.new_user()
    made.opened()
    return made


def order(user: User) -> bytes:
    head = (
        "POST /api/v1/orders HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {user.token}\r\nIdempotency-Key: {uuid4()}\r\nContent-Length: {len(ORDER)}\r\n\r\n"
    )
    return head.encode() + ORDER


def answers_to(exchange: Exchange, user: User, behind: bytes) -> bytes:
    """What is answered to an order that waits for the engine, and to what comes behind it."""
    with connection(exchange.settings.port) as sent:
        with exchange.held("engine"):
            sent.sendall(order(user))
            time.sleep(0.2)
            sent.sendall(behind)
            time.sleep(0.2)
        return read_to_the_end(sent)


@pytest.mark.parametrize("what", BEHIND)
def test_an_order_is_answered_before_what_comes_behind_it_is_refused(exchange: Exchange, user: User, what: str) -> None:
    behind, expected = BEHIND[what]
    assert statuses(answers_to(exchange, user, behind)) == expected


def test_an_order_is_answered_before_a_request_behind_it_is_refused_as_too_slow(exchange: Exchange, user: User) -> None:
    assert statuses(answers_to(exchange, user, HALF)) == [201, 408]
    assert statuses(answers_to(exchange, user, HEALTH + HALF)) == [201, 200, 408]


def test_a_refusal_behind_an_order_ends_the_connection(exchange: Exchange, user: User) -> None:
    with connection(exchange.settings.port) as sent:
        sent.sendall(order(user) + b"\x00\x01garbage\r\n\r\n" + HEALTH)
        assert statuses(read_to_the_end(sent)) == [201, 400]
