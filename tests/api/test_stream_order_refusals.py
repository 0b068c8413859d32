"""An order over the WebSocket is refused as it is over REST, and what refuses it loses nothing else."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from api.stream.message_rate import REFUSED_BURST
from api.stream.orders import IN_FLIGHT_MAX
from tests.api.exchange import Exchange
from tests.api.over_a_socket import over_a_socket, placed, reply_to
from tests.api.second_process import at, second_process
from tests.api.test_refusals import REFUSED, Scene, Try, scene_in
from tests.api.websocket_client import WebSocketClient, signed_ticket, websocket_client
from tests.processes import eventually
from tests.security.keys import ask, new_key

# What only a path, or only an HTTP body, can be wrong in; what is no order.
OF_HTTP: Final = (
    *("a name that is no position", "a body", "reading", "a deposit", "a list", "a cursor", "a filter", "a path"),
    *("a method", "candles"),
)
OF_ORDERS: Final = {name: found for name, found in REFUSED.items() if not name.startswith(OF_HTTP)}
ORDER: Final = {"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10"}


@pytest.fixture(scope="module")
def scene(exchange: Exchange) -> Scene:
    return scene_in(exchange)


@pytest.fixture
def opened(exchange: Exchange) -> Iterator[WebSocketClient]:
    with websocket_client(exchange, exchange.new_user()) as client:
        yield client


@pytest.mark.parametrize(("status", "code", "attempt"), OF_ORDERS.values(), ids=OF_ORDERS)
def test_an_order_over_a_socket_is_refused_as_over_rest(scene: Scene, status: int, code: str, attempt: Try) -> None:
    over_rest = attempt(scene)
    with over_a_socket(scene.exchange, scene.user) as user:
        over_socket = attempt(scene._replace(user=user))
        assert user.transport.messages, "it went over the socket"
    told, asked = over_socket.json(), over_rest.json()
    assert (over_socket.status_code, told["code"]) == (over_rest.status_code, asked["code"]) == (status, code)
    assert told.get("details") == asked.get("details")
    faults = [[one["message"] for one in document.get("errors", [])] for document in (told, asked)]
    assert faults[0] == faults[1]
    for name in ("Ledger-Position", "Retry-After", "Location", "RateLimit"):
        assert (name in over_socket.headers) == (name in over_rest.headers), name
    assert set(told) == set(asked)


@pytest.mark.parametrize(
    ("args", "pointer"),
    [
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": Infinity}', "/margin"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": 1, "stop_loss": "1.23"}', "/stop_loss"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": 1, "price": 5}', "/price"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10}', "args"),
        ("[]", "args"),
        ("null", "args"),
    ],
)
def test_a_malformed_field_of_an_order_is_named(opened: WebSocketClient, args: str, pointer: str) -> None:
    opened.say_text(f'{{"op": "order.place", "id": 1, "args": {args}}}')
    error = reply_to(opened, 1)["error"]
    assert (error["status"], error["code"]) == (422, "MALFORMED")
    assert [fault["pointer"] for fault in error["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"idempotency_key": "k" * 256}, "idempotency_key"),
        ({"idempotency_key": 7}, "idempotency_key"),
        ({"idempotency_key": "two\nlines"}, "idempotency_key"),
        ({"prefer": "wait=5"}, "prefer"),
        ({"if_match": '"abc"'}, "if_match"),
        ({"deadline": 5}, "deadline"),
        ({"args": None}, "args"),
    ],
)
def test_a_malformed_member_of_an_order_is_named(
    opened: WebSocketClient, members: dict[str, Any], pointer: str
) -> None:
    reply = opened.ask("order.place", **({"args": ORDER} | members))
    assert reply["error"]["code"] == "MALFORMED"
    assert [fault["pointer"] for fault in reply["error"]["errors"]] == [pointer]


@pytest.mark.parametrize("op", ["order.cancel", "order.PLACE", "order", "order.place "])
def test_an_order_operation_that_there_is_not_is_malformed(opened: WebSocketClient, op: str) -> None:
    assert opened.refused(op, args={"order_id": "x"}) == "MALFORMED"


def test_a_position_id_that_is_none_is_malformed(opened: WebSocketClient) -> None:
    for op in ("order.close", "order.reduce", "order.amend"):
        for name in ("open", "", "1", 5, None, "2-17/close", "\u0662-\u0661"):
            args = {"position_id": name, "quantity": "1", "stop_loss": "1"}
            given = {"order.close": ("quantity",), "order.reduce": ("quantity",), "order.amend": ("stop_loss",)}[op]
            reply = opened.ask(op, args={key: args[key] for key in ("position_id", *given)})
            assert reply["error"]["code"] == "MALFORMED", (op, name)
            assert reply["error"]["errors"][0]["pointer"] == "/position_id"


def test_an_order_without_an_id_or_with_one_in_flight_is_refused_and_the_first_is_still_answered(
    exchange: Exchange,
) -> None:
    user = exchange.new_user()
    with websocket_client(exchange, user) as opened:
        wrong: tuple[Any, ...] = (None, 1.5, 1.0, True, "x" * 65, [], {})
        for message_id in wrong:
            opened.say(op="order.place", id=message_id, args=ORDER)
            error = opened.until(lambda message: message["type"] == "error")
            assert (error["id"], error["error"]["code"], error["error"]["errors"][0]["pointer"]) == (
                None,
                "MALFORMED",
                "id",
            )
            if message_id is not None:  # Whatever is no order names the same, in the same words.
                opened.say(op="ping", id=message_id)
                (fault,) = opened.until(lambda message: message["type"] == "error")["error"]["errors"]
                assert fault["pointer"].endswith("/id")
                assert "string of at most 64 characters" in fault["message"]
        with exchange.held("engine"):
            placed(opened, 7)
            placed(opened, 7)
            twice = reply_to(opened, 7)
            assert (twice["type"], twice["error"]["errors"][0]["message"]) == (
                "error",
                "is of an order that is in flight",
            )
        first = reply_to(opened, 7)
        assert first["type"] == "outcome"
        placed(opened, 7)
        assert reply_to(opened, 7)["status"] == 201
    eventually(lambda: len(user.get("/positions")["items"]), lambda count: count == 2)


def test_an_order_before_the_sign_in_is_refused_and_a_flood_of_such_orders_ends_the_socket(exchange: Exchange) -> None:
    with websocket_client(exchange) as opened:
        assert opened.refused("order.place", args=ORDER) == "NOT_AUTHENTICATED"
        # A flood of what no account's limits take ends the socket.
        for number in range(int(REFUSED_BURST) + 500):
            placed(opened, number)
        assert opened.end()[0] == 4429


def test_an_api_key_does_over_a_socket_what_its_scopes_allow(exchange: Exchange) -> None:
    user = exchange.new_user()
    reads, trades = new_key(user, "read"), new_key(user, "trade")
    with websocket_client(exchange, query=f"?ticket={signed_ticket(exchange, reads)}") as opened:
        over_rest = ask(exchange, reads, "POST", "/api/v1/orders", json.dumps(ORDER).encode())
        for op, args in (
            ("order.place", ORDER),
            ("order.close", {"position_id": "0-1"}),
            ("order.reduce", {"position_id": "0-1", "quantity": "1"}),
            ("order.amend", {"position_id": "0-1", "stop_loss": "1"}),
            ("order.close_all", {}),
        ):
            error = opened.ask(op, args=args)["error"]
            assert (error["status"], error["code"], error["detail"]) == tuple(
                over_rest.json()[name] for name in ("status", "code", "detail")
            )
        assert opened.asked("subscribe", channels=["account", "alerts"])
    with websocket_client(exchange, query=f"?ticket={signed_ticket(exchange, trades)}") as opened:
        assert opened.refused("subscribe", channels=["ticks.BTC_USDC", "account"]) == "SCOPE_MISSING"
        assert opened.refused("subscribe", channels=["alerts"]) == "SCOPE_MISSING"
        assert opened.refused("resume", channel="account", after=0) == "SCOPE_MISSING"
        order = opened.ask("order.place", args=ORDER)["data"]
        assert order["status"] == "filled"
        seen = eventually(
            lambda: {key["id"]: key["last_used_at"] for key in user.get("/api-keys")["items"]},
            lambda found: found[trades.id] is not None,
        )
        assert seen[trades.id]
        assert user.http.delete(f"/api-keys/{trades.id}").status_code == 204
        # As known two seconds ago at the oldest; within five the socket ends by itself.
        with suppress(ConnectionClosed):
            refused = eventually(
                lambda: opened.ask("order.close", args={"position_id": order["position_id"]}),
                lambda reply: reply["type"] == "error" and reply["error"]["status"] == 401,
            )
            assert refused["error"]["code"] == "SIGNATURE_INVALID"
        assert opened.end() == (4401, "the API key was revoked")


def test_a_session_that_ended_sends_no_order_from_that_moment_on(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange, user) as opened:
        assert opened.ask("order.place", args=ORDER)["status"] == 201
        assert user.http.post("/auth/logout").status_code == 204
        assert opened.refused("order.place", args=ORDER) == "TOKEN_INVALID"


def test_an_auditor_sends_no_order(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange, user) as opened:
        with psycopg.connect(exchange.settings.database_url.replace("+psycopg", "")) as db:
            db.execute("UPDATE auth.users SET role = 'auditor' WHERE email = %s", (user.email,))
        refused = eventually(lambda: opened.ask("order.place", args=ORDER), lambda reply: reply["type"] == "error")[
            "error"
        ]
        asked = user.order(margin="10").json()
        assert (
            (refused["code"], refused["detail"])
            == (asked["code"], asked["detail"])
            == (
                "ROLE_READ_ONLY",
                "An auditor reads, and may not do this",
            )
        )


def test_orders_over_sockets_and_rest_are_taken_from_one_limit_of_the_account(exchange: Exchange) -> None:
    user = exchange.new_user()
    with (
        second_process(exchange, rate_limit_orders="4/day") as narrow,
        over_a_socket(narrow, user) as first,
        over_a_socket(narrow, user) as second,
        at(narrow, user) as there,
    ):
        position_id = there.opened(margin="10")["position_id"]
        assert first.order(margin="10").status_code == 201
        malformed = second.order(margin="10", leverage="x")
        assert malformed.headers["RateLimit"].startswith('"orders";r=1;')
        assert second.http.patch(f"/positions/{position_id}", json={"stop_loss": "49000"}).status_code == 200
        over_socket, over_rest = second.order(margin="10"), there.order(margin="10")
        for reply in (over_socket, over_rest):
            assert (reply.status_code, reply.json()["code"]) == (429, "RATE_LIMITED")
            assert reply.json()["violated-policies"] == ["orders"]
            assert ";r=0;" in reply.headers["RateLimit"]
            assert int(reply.headers["Retry-After"]) > 0
        # No limit keeps anybody in.
        assert first.close(position_id).status_code == 200
        assert first.http.post("/positions/close-all").status_code == 200


def test_a_socket_has_so_many_orders_in_flight_and_one_more_is_refused(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange, user) as opened:
        with exchange.held("engine"):
            for number in range(IN_FLIGHT_MAX + 3):
                placed(opened, number, margin="1", prefix="in flight ")
            refused = [opened.until(lambda message: message["type"] == "error") for _ in range(3)]
        assert [(one["id"], one["error"]["code"]) for one in refused] == [
            (IN_FLIGHT_MAX + number, "TOO_MANY_IN_FLIGHT") for number in range(3)
        ]
        assert refused[0]["error"]["details"] == {"in_flight_max": IN_FLIGHT_MAX}
        answered = [message for message in opened.heard if message["type"] == "outcome"]
        while len(answered) < IN_FLIGHT_MAX:
            answered.append(opened.until(lambda message: message["type"] != "pong"))
        assert {one["id"] for one in answered} == set(range(IN_FLIGHT_MAX))
        # What was refused was not sent.
        placed(opened, IN_FLIGHT_MAX, margin="1", prefix="in flight ")
        assert not reply_to(opened, IN_FLIGHT_MAX)["replayed"]
