"""The API's answers while engine, projector, broker or database are away, and its recovery."""

import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import sqlalchemy

from stack.ports import LOOPBACK, free_ports
from tests.api.conftest import kept_alive
from tests.api.exchange import PASSWORD, Exchange, User, service
from tests.api.machine import Machine
from tests.processes import eventually, url_of_database

pytestmark = pytest.mark.slow

FROZEN_NOTICED_S = 8.0
FROZEN_ANSWER_S = 8.0
BROKER_ANSWER_S = 3.5  # two seconds of waiting for an outcome, and some for a busy machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        for package in ("engine", "projector"):
            machine.start(package)
        machine.exchange.until_ready(machine.start("api"))
        machine.exchange.new_feed()
        machine.exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
        machine.exchange.until_fresh("BTC_USDC")
        with kept_alive(machine.exchange):
            yield machine
    finally:
        machine.close()


def timed(reply: httpx.Response) -> float:
    return reply.elapsed.total_seconds()


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def until_ordered(user: User) -> dict[str, Any]:
    """Orders go again; gives the first that did."""
    found = eventually(lambda: user.order(margin="10"), lambda reply: reply.status_code == 201, 40.0)
    return dict(found.json())


def test_without_an_engine_the_first_order_is_pending_later_orders_are_refused_and_the_first_is_executed_once(
    machine: Machine,
) -> None:
    exchange = machine.exchange
    user = exchange.new_user()
    machine.stop("engine")
    undecided = user.order(headers={"Idempotency-Key": "patient"})
    assert undecided.status_code == 202
    assert 1.9 < timed(undecided) < BROKER_ANSWER_S
    where = undecided.headers["Location"].removeprefix("/api/v1")
    assert user.get(where)["status"] == "pending"
    email = f"{uuid4().hex}@example.com"
    assert exchange.http.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD}).status_code == 201
    refused = eventually(user.order, lambda reply: reply.status_code != 202)
    assert code_of(refused) == (503, "ENGINE_BEHIND")
    assert timed(refused) < 1
    assert "Retry-After" in refused.headers
    assert code_of(user.close("0-1")) == (503, "ENGINE_BEHIND")
    machine.start("engine")
    seen = eventually(lambda: user.get(where), lambda seen: seen["status"] != "pending", 40.0)
    assert seen["status"] == "done"
    again = eventually(
        lambda: user.order(headers={"Idempotency-Key": "patient"}), lambda reply: reply.status_code != 503
    )
    assert again.status_code == 201
    assert again.json() == seen["order"]
    late = exchange.user(email)
    eventually(lambda: late.http.get("/account").status_code, lambda status: status == 200)


def test_without_a_projector_orders_are_answered_and_reads_name_the_projection_lag(machine: Machine) -> None:
    user = machine.exchange.new_user()
    user.get("/account")
    machine.stop("projector")
    first = user.order(headers={"Idempotency-Key": "now"})
    assert first.status_code == 201
    read = user.http.get("/positions")
    assert read.status_code == 200
    assert read.json()["items"] == []
    assert int(read.headers["Projection-Lag"]) > 0
    assert 0.9 < timed(read) < BROKER_ANSWER_S
    user.http.cookies.clear()
    assert int(user.http.get("/positions").headers["Projection-Lag"]) > 0
    assert user.order(headers={"Idempotency-Key": "now"}).headers["Idempotent-Replayed"] == "true"
    engine = sqlalchemy.create_engine(machine.settings.database_url)
    with engine.begin() as db:
        db.execute(sqlalchemy.text("UPDATE ledger.progress SET current_at = current_at - 301 * 1000000"))
    engine.dispose()
    # A remembered key is known; whether another key was used before is unknown.
    assert user.order(headers={"Idempotency-Key": "now"}).headers["Idempotent-Replayed"] == "true"
    assert code_of(user.order(headers={"Idempotency-Key": "other"})) == (503, "PROJECTION_BEHIND")
    assert user.order(margin="10").status_code == 201
    machine.start("projector")
    eventually(lambda: len(user.get("/positions")["items"]), lambda count: count == 2, 40.0)
    eventually(lambda: user.order(headers={"Idempotency-Key": "other"}).status_code, lambda status: status == 201, 20.0)


def test_without_a_broker_an_order_is_pending_or_refused_within_seconds_and_orders_work_after_its_return(
    machine: Machine,
) -> None:
    user = machine.exchange.new_user()
    machine.stop_broker()
    # Until the broker's silence is noticed the outcome of an order is unknown.
    first = user.order()
    assert first.status_code == 202 or code_of(first) == (503, "BROKER_UNAVAILABLE")
    assert timed(first) < BROKER_ANSWER_S
    refused = eventually(user.order, lambda reply: reply.status_code != 202)
    assert code_of(refused) == (503, "BROKER_UNAVAILABLE")
    assert timed(refused) < 1
    readiness = machine.exchange.http.get("/readyz")
    assert (readiness.status_code, readiness.json()["ready"]) == (503, False)
    assert "broker" in readiness.json()["why"]
    assert machine.exchange.http.get("/healthz").status_code == 200
    assert user.http.get("/account").status_code == 200
    machine.start_broker()
    eventually(lambda: machine.exchange.http.get("/readyz").status_code, lambda status: status == 200, 40.0)
    machine.exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    until_ordered(user)


def test_a_frozen_broker_makes_the_api_unready_within_seconds_with_the_reason(machine: Machine) -> None:
    assert machine.exchange.http.get("/readyz").status_code == 200
    machine.broker_process.send_signal(signal.SIGSTOP)
    try:
        readiness = eventually(
            lambda: machine.exchange.http.get("/readyz"), lambda reply: reply.status_code == 503, FROZEN_NOTICED_S
        )
        assert readiness.json()["why"] == "The Kafka broker does not answer."
    finally:
        machine.broker_process.send_signal(signal.SIGCONT)
    eventually(lambda: machine.exchange.http.get("/readyz").status_code, lambda status: status == 200, 40.0)
    machine.exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    until_ordered(machine.exchange.new_user())


def test_without_a_database_reads_are_refused_and_work_after_its_return(machine: Machine) -> None:
    user = machine.exchange.new_user()
    machine.stop_database()
    assert code_of(user.http.get("/account")) == (503, "DATABASE_UNAVAILABLE")
    assert code_of(user.order()) == (503, "DATABASE_UNAVAILABLE")
    assert machine.exchange.http.get("/readyz").json()["why"] == "PostgreSQL does not answer."
    assert machine.exchange.http.get("/api/v1/instruments").status_code == 200
    machine.start_database()
    eventually(lambda: user.http.get("/account").status_code, lambda status: status == 200, 20.0)
    until_ordered(user)


def test_a_frozen_database_hides_no_decision_and_every_question_is_answered_within_seconds(machine: Machine) -> None:
    user = machine.exchange.new_user()
    opened = [until_ordered(user)["position_id"] for _ in range(3)]
    other = machine.exchange.new_user()
    until_ordered(other)
    assert len(user.get("/positions")["items"]) == 3
    # At once: who somebody is, is known for some seconds only.
    requests: dict[str, Callable[[], httpx.Response]] = {
        "all closed": lambda: other.http.post("/positions/close-all"),
        "closed": lambda: user.close(opened[0]),
        "amended": lambda: user.http.patch(f"/positions/{opened[1]}", json={"take_profit": "70000.0"}),
        "ordered": lambda: user.order(margin="10"),
        "refused": lambda: user.close("0-9999"),
        "keyed": lambda: user.order(headers={"Idempotency-Key": "frozen"}),
        "read": lambda: user.http.get("/positions"),
        "ready": lambda: machine.exchange.http.get("/readyz"),
    }
    with machine.frozen_database(), ThreadPoolExecutor(len(requests)) as pool:
        replies = dict(zip(requests, pool.map(lambda request: request(), requests.values()), strict=True))
    assert [name for name, reply in replies.items() if timed(reply) > FROZEN_ANSWER_S] == []
    closed, amended, ordered = replies["closed"], replies["amended"], replies["ordered"]
    assert [(reply.status_code, reply.json()["status"]) for reply in (closed, amended)] == [(202, "done")] * 2
    assert ordered.status_code == 201
    assert replies["all closed"].status_code == 202
    assert replies["refused"].json()["code"] == "POSITION_NOT_OPEN"
    assert code_of(replies["keyed"]) == code_of(replies["read"]) == (503, "DATABASE_UNAVAILABLE")
    assert replies["ready"].json()["why"] == "PostgreSQL does not answer."
    where = closed.headers["Location"].removeprefix("/api/v1")
    shown = eventually(lambda: user.get(where), lambda seen: seen["position"] is not None, 40.0)
    assert shown["position"]["status"] == "closed"
    assert user.order(headers={"Idempotency-Key": "frozen"}).status_code == 201
    assert other.get("/positions?status=open")["items"] == []
    assert {item["id"] for item in user.get("/positions")["items"]} >= {*opened[1:], ordered.json()["position_id"]}


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as listening:
        port: int = listening.getsockname()[1]
        yield port


def test_the_api_ends_with_an_error_naming_the_port_where_the_port_is_taken(machine: Machine) -> None:
    with taken_port() as port:
        settings = machine.settings.model_copy(update={"port": port})
        with service("api", settings, machine.folder) as api:
            assert api.process.wait(40) != 0
            assert f"cannot listen on 127.0.0.1:{port}" in api.log


def test_the_api_stopped_while_waiting_for_the_database_ends_with_0(machine: Machine) -> None:
    (port,) = free_ports(1)
    url = url_of_database(port)
    settings = machine.settings.model_copy(update={"database_url": url})
    with service("api", settings, machine.folder) as api:
        eventually(lambda: api.log, lambda log: "not started yet" in log, 30.0)
        assert api.stop() == 0


def test_every_broadcast_is_stored_with_its_answered_shards(machine: Machine) -> None:
    def answered() -> list[int]:
        with psycopg.connect(machine.settings.database_url.replace("+psycopg", "")) as db:
            row = db.execute("SELECT answered FROM auth.broadcasts WHERE name = 'instruments-1'").fetchone()
        return sorted(row[0]) if row is not None else []

    assert answered() == list(range(machine.settings.shards))
    settings = machine.settings.model_copy(update={"port": free_ports(1)[0]})
    with service("api", settings, machine.folder) as again:
        # It sends the broadcast once more, and is ready when every shard has said that it was done.
        second = Exchange(settings, machine.folder)
        second.until_ready(again)
        second.close()
    assert answered() == list(range(machine.settings.shards))
