"""Orders over the WebSocket: answered as over REST, in the order in which they were sent, once each, and never lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from api.credentials.tokens import LIFETIME, Tokens, now
from api.stream.message_rate import BURST
from stack.ports import free_ports
from tests.api.exchange import Exchange, User, service
from tests.api.over_a_socket import over_a_socket, placed, reply_to
from tests.api.second_process import second_process
from tests.api.websocket_client import Message, WebSocketClient, websocket_client
from tests.processes import eventually

ORDER = {"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10"}


def seq_of(reply: Message) -> int:
    """The place of an outcome in its shard."""
    return int(reply["ledger_position"].partition(":")[2])


def opened_by(user: User) -> int:
    """How many positions a user ever opened, by the account's history."""
    return sum(event["type"] == "PositionOpened" for event in user.get("/audit/events", limit=500)["items"])


@pytest.fixture
def user(exchange: Exchange) -> User:
    return exchange.new_user()


@pytest.fixture
def opened(exchange: Exchange, user: User) -> Iterator[WebSocketClient]:
    with websocket_client(exchange, user) as client:
        yield client


def test_each_operation_is_answered_with_what_rest_then_shows(user: User, opened: WebSocketClient) -> None:
    order = opened.ask("order.place", args=ORDER | {"margin": "100", "stop_loss": "49000", "client_order_id": "mine"})
    assert (order["type"], order["op"], order["status"], order["replayed"]) == ("outcome", "order.place", 201, False)
    assert order["data"] == user.get(f"/orders/{order['data']['order_id']}")
    assert order["location"] == f"/api/v1/orders/{order['data']['order_id']}"
    position_id = order["data"]["position_id"]
    read = user.http.get(f"/positions/{position_id}")
    amended = opened.ask(
        "order.amend", if_match=read.headers["ETag"], args={"position_id": position_id, "take_profit": 60000}
    )
    assert (amended["status"], amended["data"]["take_profit"]) == (200, "60000.0")
    read = user.http.get(f"/positions/{position_id}")
    assert (amended["data"], amended["etag"]) == (read.json(), read.headers["ETag"])
    for op in ("order.reduce", "order.close"):
        part = opened.ask(op, args={"position_id": position_id, "quantity": "0.00500"})
        assert (part["op"], part["status"], part["data"]) == (op, 200, user.get(f"/positions/{position_id}"))
    closed = opened.ask("order.close", args={"position_id": position_id})
    assert closed["data"] == user.get(f"/positions/{position_id}")
    assert closed["data"]["status"] == "closed"
    others = [opened.ask("order.place", args=ORDER)["data"]["position_id"] for _ in range(2)]
    everything = opened.ask("order.close_all", args={})
    assert (everything["status"], {item["position_id"] for item in everything["data"]["items"]}) == (200, set(others))
    assert opened.ask("order.close_all")["data"]["items"] == []
    assert user.get("/positions")["items"] == []
    seqs = [seq_of(reply) for reply in opened.heard if reply["type"] == "outcome"]
    assert seqs == sorted(seqs)
    ledger = int(user.order(margin="10").headers["Ledger-Position"].partition(":")[2])
    assert ledger > seqs[-1]


def test_orders_of_one_socket_get_into_the_log_in_the_order_in_which_they_were_sent(
    user: User, opened: WebSocketClient
) -> None:
    """Some have a key or a name, which are asked for in PostgreSQL first; some are refused by the core."""
    shapes: list[dict[str, Any]] = [
        {"idempotency_key": "k{}", "args": ORDER | {"margin": "1"}},
        {"args": ORDER | {"margin": "1"}},
        {"args": ORDER | {"margin": "1", "client_order_id": "c{}"}},
        {"args": ORDER | {"margin": "1000000"}},
        {"idempotency_key": "r{}", "args": ORDER | {"margin": "-1"}},
        {"args": ORDER | {"symbol": "NONE_USDC"}},
    ]
    for number in range(90):
        shape = shapes[number * 7 % len(shapes)]
        members = {name: value.format(number) if name != "args" else value for name, value in shape.items()}
        name = members["args"].get("client_order_id")
        members["args"] = members["args"] | ({} if name is None else {"client_order_id": name.format(number)})
        opened.say(op="order.place", id=number, **members)
    replies = {message["id"]: message for message in (opened.next() for _ in range(90))}
    assert sorted(replies) == list(range(90))
    seqs = [seq_of(replies[number]) for number in range(90) if replies[number]["ledger_position"] is not None]
    assert len(seqs) == 75
    assert seqs == sorted(set(seqs))


def test_the_message_rate_of_a_socket_does_not_bound_orders(user: User, opened: WebSocketClient) -> None:
    count = int(BURST) * 3
    for number in range(count):
        placed(opened, number, margin="1000000")
        if number % 100 == 99:
            reply_to(opened, number)
    opened.asked("ping")
    assert sum(message["type"] == "error" for message in opened.heard) == count


def test_a_key_means_the_same_order_over_rest_and_any_socket(exchange: Exchange, user: User) -> None:
    key = {"Idempotency-Key": "one"}
    with over_a_socket(exchange, user) as first, over_a_socket(exchange, user) as second:
        order = first.order(key)
        assert order.status_code == 201
        for again in (second.order(key), user.order(key), first.order({"Idempotency-Key": '"one"'})):
            assert (again.status_code, again.json()) == (201, order.json())
            assert again.headers["Idempotent-Replayed"] == "true"
        for other in (second.order(key, margin="11"), user.order(key, margin="11"), first.close("0-1", key)):
            assert (other.status_code, other.json()["code"]) == (422, "COMMAND_ID_REUSED")
        position_id = order.json()["position_id"]
        closed = user.close(position_id, {"Idempotency-Key": "end"})
        assert second.close(position_id, {"Idempotency-Key": "end"}).json() == closed.json()
        everything = user.http.post("/positions/close-all", headers={"Idempotency-Key": "all"})
        again = first.http.post("/positions/close-all", headers={"Idempotency-Key": "all"})
        assert (again.status_code, again.json()) == (200, everything.json())
    assert opened_by(user) == 1


def test_of_orders_under_one_key_at_the_same_moment_one_is_executed(exchange: Exchange, user: User) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(websocket_client(exchange, user)) for _ in range(3)]
        for number in range(8):
            for opened in sockets:
                for message_id in ("a", "b", "c"):
                    opened.say(op="order.place", id=f"{message_id}{number}", idempotency_key=f"k{number}", args=ORDER)
            replies = [reply_to(opened, f"{name}{number}") for opened in sockets for name in ("a", "b", "c")]
            assert {reply["type"] for reply in replies} == {"outcome"}
            assert len({reply["data"]["order_id"] for reply in replies}) == 1
            assert {reply["status"] for reply in replies} == {201}
            assert [reply["replayed"] for reply in replies].count(False) == 1
    assert opened_by(user) == 8


def test_keys_that_two_processes_are_sent_in_opposite_orders_mean_one_order_each(
    exchange: Exchange, user: User
) -> None:
    count = 120
    with (
        second_process(exchange) as other,
        websocket_client(exchange, user) as here,
        websocket_client(other, user) as there,
    ):
        for number in range(count):
            placed(here, number, margin="1", prefix="both ")
            there.say(
                op="order.place",
                id=count - 1 - number,
                idempotency_key=f"both {count - 1 - number}",
                args=ORDER | {"margin": "1"},
            )
        told = [
            {message["id"]: message for message in (opened.next() for _ in range(count))} for opened in (here, there)
        ]
    assert [{reply["type"] for reply in replies.values()} for replies in told] == [{"outcome"}] * 2
    orders = [{number: reply["data"]["order_id"] for number, reply in replies.items()} for replies in told]
    assert orders[0] == orders[1]
    assert len(set(orders[0].values())) == opened_by(user) == count


def test_an_order_that_does_not_wait_says_where_its_outcome_is(user: User, opened: WebSocketClient) -> None:
    reply = opened.ask("order.place", prefer="respond-async", idempotency_key="later", args=ORDER)
    assert (reply["status"], reply["data"]["status"], reply["retry_after_s"]) == (202, "pending", 1)
    assert reply["location"] == f"/api/v1/commands/{reply['data']['command_id']}"
    path = reply["location"].removeprefix("/api/v1")
    done = eventually(lambda: user.http.get(path).json(), lambda command: command.get("status") == "done")
    again = opened.ask("order.place", idempotency_key="later", args=ORDER)
    assert (again["data"], again["replayed"]) == (done["order"], True)


def test_an_amendment_of_a_version_that_is_not_the_last_is_refused(user: User, opened: WebSocketClient) -> None:
    position_id = user.opened(margin="10")["position_id"]
    first = user.http.get(f"/positions/{position_id}").headers["ETag"]
    for number in range(4):
        opened.say(
            op="order.amend",
            id=number,
            if_match=first,
            args={"position_id": position_id, "stop_loss": str(48_000 + number)},
        )
    replies = [reply_to(opened, number) for number in range(4)]
    # In the order in which they were sent: the first is made.
    assert [reply.get("status") or reply["error"]["code"] for reply in replies] == [200, *["PRECONDITION_FAILED"] * 3]
    assert replies[3]["etag"] == replies[0]["etag"] == user.http.get(f"/positions/{position_id}").headers["ETag"]


def test_other_operations_are_answered_while_orders_wait_for_their_outcome(
    exchange: Exchange, user: User, opened: WebSocketClient
) -> None:
    with exchange.held("engine"):
        placed(opened, "waits", prefix="held ")
        opened.asked("ping")
        opened.asked("subscribe", channels=["ticks.BTC_USDC"])
        assert not [message for message in opened.heard if message.get("id") == "waits"]
    assert reply_to(opened, "waits")["status"] in (201, 202)


def short_token(exchange: Exchange, user: User, seconds: float) -> str:
    """Another token of the user's session, which is good for so long."""
    assert exchange.settings.jwt_secret is not None
    claims = jwt.decode(user.token, options={"verify_signature": False})
    begins = now() - LIFETIME + timedelta(seconds=seconds)
    return Tokens(exchange.settings.jwt_secret).issue(UUID(claims["sub"]), UUID(claims["sid"]), begins)


def test_an_order_in_flight_when_the_token_expires_is_answered_before_the_socket_ends(
    exchange: Exchange, user: User
) -> None:
    with websocket_client(exchange) as opened:
        opened.asked("auth", token=short_token(exchange, user, 1.5))
        with exchange.held("engine"):
            placed(opened, "in flight", prefix="expires ")
            threading.Event().wait(1.6)
            assert opened.refused("order.place", args=ORDER) == "TOKEN_EXPIRED"
        assert reply_to(opened, "in flight")["status"] in (201, 202)
        assert opened.end() == (4401, "sign in again")
    again = user.order({"Idempotency-Key": "expires in flight"}, margin="10")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")


def test_a_server_that_stops_answers_the_orders_in_flight_and_takes_no_more(exchange: Exchange, user: User) -> None:
    other = exchange.settings.model_copy(update={"port": free_ports(1)[0]})
    with service("api", other, exchange.folder) as api, ThreadPoolExecutor() as aside:
        there = Exchange(other, exchange.folder)
        there.until_ready(api)
        with websocket_client(there, user) as opened:
            with exchange.held("engine"):
                for number in range(5):
                    placed(opened, number, margin="1", prefix="stops ")
                opened.asked("ping")
                stopping = aside.submit(api.stop)
                opened.until(lambda message: message["type"] == "server_shutdown")
                assert opened.refused("order.place", args=ORDER) == "SERVER_STOPPING"
            assert {reply_to(opened, 4)["status"]} <= {201, 202}
            assert opened.end() == (1012, "the server goes down")
            answered = {message["id"] for message in opened.heard if message["type"] == "outcome"}
            assert answered == set(range(5))
        stopping.result()
        there.close()
    for number in range(5):
        assert user.order({"Idempotency-Key": f"stops {number}"}, margin="1").status_code == 201
    assert opened_by(user) == 5


def test_an_order_whose_client_left_is_executed_once_and_its_outcome_is_known(exchange: Exchange, user: User) -> None:
    for number in range(5):
        with websocket_client(exchange, user) as opened:
            placed(opened, "gone", margin="1", prefix=f"left {number} ")
            if number % 2:
                opened.say_text('{"op": "order.place", "id": "half", "args": {"symbol": "BTC_USDC", "side":')
        asked = user.order({"Idempotency-Key": f"left {number} gone"}, margin="1")
        assert asked.status_code == 201, asked.text
    assert opened_by(user) == 5


def test_orders_over_sockets_are_counted_and_logged_as_requests_are(
    exchange: Exchange, user: User, opened: WebSocketClient
) -> None:
    opened.ask("order.place", args=ORDER)
    opened.ask("order.close", args={"position_id": "0-999999"})
    metrics, logs = exchange.metrics(), list(exchange.folder.glob("*api*.log"))
    assert 'request_seconds_count{method="WS",route="order.place",status="201"}' in metrics
    assert 'request_seconds_count{method="WS",route="order.close",status="404"}' in metrics
    eventually(lambda: [log.read_text(encoding="utf-8") for log in logs], lambda texts: "order.place" in "".join(texts))
    # A program that keeps neither header nor cookie reads what it did.
    assert len(user.get("/positions")["items"]) == 1
