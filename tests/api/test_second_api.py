"""A second API process of an exchange has limits of its own, and answers about commands the first one sent."""

import socket
import struct
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from stack.ports import LOOPBACK
from tests.api.exchange import Exchange
from tests.api.second_process import at, second_process
from tests.api.websocket_client import websocket_client
from tests.processes import eventually

ORDERS_MAX = 2
PUBLIC_MAX = 3
PING_S = 0.3
PING, CLOSE = 0x89, 0x88  # the first byte of a WebSocket's frame


@pytest.fixture(scope="module")
def second(exchange: Exchange) -> Iterator[Exchange]:
    """Its windows are days, so that none begins during a test; it believes a proxy at 127.0.0.1 and nowhere else."""
    narrow = {
        "rate_limit_orders": f"{ORDERS_MAX}/day",
        "rate_limit_public": f"{PUBLIC_MAX}/day",
        "trusted_proxies": LOOPBACK,
        "ws_ping_interval_ms": int(1000 * PING_S),
        "ws_ping_timeout_ms": int(1000 * PING_S),
    }
    with second_process(exchange, **narrow) as running:
        yield running


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def is_refused(reply: httpx.Response, bucket: str) -> None:
    """Too many: by which bucket, and when there is more of it."""
    assert code_of(reply) == (429, "RATE_LIMITED"), reply.text
    assert reply.json()["violated-policies"] == [bucket]
    left, wait_s = reply.headers["RateLimit"].split(";")[1:]
    assert left == "r=0"
    assert int(reply.headers["Retry-After"]) >= int(wait_s.removeprefix("t=")) > 0


def test_beyond_the_quota_an_order_is_refused_and_a_close_is_still_accepted(
    exchange: Exchange, second: Exchange
) -> None:
    user = exchange.new_user()
    with at(second, user) as there:
        opened = [there.opened(margin="10")["position_id"] for _ in range(ORDERS_MAX)]
        is_refused(there.order(margin="10"), "orders")
        assert len(there.get("/positions")["items"]) == ORDERS_MAX
        assert there.close(opened[0]).status_code == 200
        assert there.http.post("/positions/close-all").status_code == 200
        assert there.get("/positions")["items"] == []
    # The other process has a count of its own, and other accounts are counted apart.
    assert user.order(margin="10").status_code == 201
    with at(second, exchange.new_user()) as other:
        assert other.order(margin="10").status_code == 201


def test_beyond_the_quota_a_client_of_seed_002_still_sells(exchange: Exchange, second: Exchange) -> None:
    user = exchange.new_user()

    def sent(side: str, quantity: str) -> httpx.Response:
        body = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
        return second.http.post("/api/trading/orders", json=body, headers={"Authorization": f"Bearer {user.token}"})

    assert [sent("BUY", "0.01").status_code for _ in range(ORDERS_MAX)] == [200] * ORDERS_MAX
    is_refused(sent("BUY", "0.01"), "orders")
    eventually(lambda: len(user.get("/positions")["items"]), lambda count: count == ORDERS_MAX)
    assert sent("SELL", "0.02").status_code == 200
    eventually(lambda: user.get("/positions")["items"], lambda items: items == [])


def test_beyond_the_quota_a_client_of_seed_001_still_closes(exchange: Exchange, second: Exchange) -> None:
    user = exchange.new_user()
    position_id = user.opened(margin="10")["position_id"]

    def sent(**body: str) -> httpx.Response:
        return second.http.post("/api/v1/engine", json=body, headers={"Authorization": f"Bearer {user.token}"})

    trade = {"command": "CREATE_TRADE", "asset": "BTC_USDC", "direction": "LONG", "margin": "10", "leverage": "2"}
    assert [sent(**trade).status_code for _ in range(ORDERS_MAX)] == [200] * ORDERS_MAX
    is_refused(sent(**trade), "orders")
    assert sent(command="CLOSE_TRADE", tradeId=position_id).status_code == 200
    eventually(lambda: user.get(f"/positions/{position_id}")["status"], lambda status: status == "closed")


@pytest.mark.parametrize("path", ["/api/v1/account", "/api/trading/orders", "/api/v1/auth/me"])
def test_a_request_with_bad_credentials_counts_once_against_its_address_and_limits_no_other_client(
    exchange: Exchange, second: Exchange, path: str
) -> None:
    guessing = {"Authorization": "Bearer guess", "X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"}
    for left in reversed(range(PUBLIC_MAX)):
        guess = second.http.get(path, headers=guessing)
        assert code_of(guess) == (401, "TOKEN_INVALID")
        assert guess.headers["RateLimit"].startswith(f'"public";r={left};')
    is_refused(second.http.get(path, headers=guessing), "public")
    signed_in = guessing | {"Authorization": f"Bearer {exchange.new_user().token}"}
    if path != "/api/v1/auth/me":  # Sessions of any user are counted by address.
        assert second.http.get(path, headers=signed_in).status_code == 200


def test_a_client_s_address_is_taken_from_a_trusted_proxy_and_from_no_other_peer(second: Exchange) -> None:
    def left(forwarded: str, client: httpx.Client) -> str:
        reply = client.get("/api/v1/instruments", headers={"X-Forwarded-For": forwarded})
        return reply.headers["RateLimit"].split(";")[1]

    assert [left(f"203.0.113.{host}", second.http) for host in (1, 2, 1)] == ["r=2", "r=2", "r=1"]
    # What a client writes into the header itself stands before what its proxy adds.
    assert left("198.51.100.7, 203.0.113.1", second.http) == "r=0"
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=second.url, transport=elsewhere) as client:
        assert [left(f"203.0.113.{host}", client) for host in (3, 4, 5)] == ["r=2", "r=1", "r=0"]


def test_a_websocket_client_that_answers_no_ping_is_closed_and_a_client_that_answers_stays(second: Exchange) -> None:
    handshake = (
        "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with (
        websocket_client(second) as answering,
        socket.create_connection((LOOPBACK, second.settings.port), timeout=10) as silent,
    ):
        silent.sendall(handshake.encode())
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += silent.recv(4096)
        frames = heard.partition(b"\r\n\r\n")[2]
        while CLOSE not in (kinds := kinds_of(frames)):
            more = silent.recv(4096)
            assert more, "it is said why"
            frames += more
        assert kinds == [PING, CLOSE]
        assert struct.unpack("!H", frames[-len(b"keepalive ping timeout") - 2 :][:2]) == (1011,)
        time.sleep(3 * PING_S)
        assert answering.asked("ping")["type"] == "pong"


def kinds_of(frames: bytes) -> list[int]:
    """The first byte of each short frame that is whole."""
    kinds = []
    while len(frames) > 1 and len(frames) >= 2 + frames[1]:
        kinds.append(frames[0])
        frames = frames[2 + frames[1] :]
    return kinds


def test_a_pending_command_sent_to_another_api_process_is_not_reported_as_unknown(
    exchange: Exchange, second: Exchange
) -> None:
    user = exchange.new_user()
    with at(second, user) as there:
        there.get("/account")
        with exchange.held("engine"):
            sent = user.order(headers={"Prefer": "respond-async"})
            assert sent.status_code == 202
            where = sent.headers["Location"].removeprefix("/api/v1")
            command_id = where.removeprefix("/commands/")
            assert user.get(where)["status"] == "pending"
            assert there.get(where)["status"] == "unknown"
            undecided = there.http.get(f"/orders/{command_id}")
            assert code_of(undecided) == (503, "ENGINE_BEHIND")
            assert undecided.headers["Retry-After"] == "1"
        eventually(lambda: there.get(where)["status"], lambda status: status == "done")
        assert there.get(f"/orders/{command_id}")["status"] == "filled"
        for unheard_of in (f"/commands/{uuid4()}", f"/orders/{uuid4()}"):
            eventually(lambda path=unheard_of: there.http.get(path).status_code, lambda status: status == 404)  # type: ignore[misc]


def test_a_refused_order_has_its_reason_at_every_process_and_its_request_at_the_sending_process(
    exchange: Exchange, second: Exchange
) -> None:
    user = exchange.new_user()
    refused = user.order(margin="5001", client_order_id="mine")
    command_id = refused.json()["command_id"]
    decided = {"order_id": command_id, "command_id": command_id, "status": "rejected", "code": "INSUFFICIENT_MARGIN"}
    asked = {"client_order_id": "mine", "symbol": "BTC_USDC", "side": "long", "quantity": None}
    asked |= {"margin": "5001.000000", "leverage": "10.00"}
    here = user.get(f"/orders/{command_id}")
    assert {name: here[name] for name in decided | asked} == decided | asked
    assert user.get("/orders")["items"] == [here]
    assert user.get(f"/commands/{command_id}")["order"] == here
    with at(second, user) as there:
        elsewhere = there.get(f"/orders/{command_id}")
        assert {name: elsewhere[name] for name in decided} == decided
        assert elsewhere["symbol"] is None
