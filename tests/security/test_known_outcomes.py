"""What the log has decided is answered, from the event or as 202: no failure of PostgreSQL after it hides it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from runtime.kafka import end_offsets
from schemas.sharding import PRICE_SHARD, shard_of
from schemas.topics import VENUE_COMMANDS
from tests.api.exchange import Exchange, User
from tests.api.outages import answered_without_database, without_database
from tests.api.second_process import at, second_process
from tests.api.test_rules import administrator
from tests.processes import eventually

SERVER_ERROR = 500
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reprise-api' AND datname = %s"
SPOT = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
VENUE_KEYS = {"api_key": "a" * 64, "secret_key": "b" * 64}
CLOSES: dict[str, tuple[str, dict[str, str]]] = {
    "canonical": ("/api/v1/positions/{id}/close", {}),
    "a part of it": ("/api/v1/positions/{id}/close", {"quantity": "0.001"}),
    "close-all": ("/api/v1/positions/close-all", {}),
    "seed 000": ("/trades/{id}/close", {}),
    "seed 000, v1": ("/api/v1/trade/close", {"orderId": "{id}"}),
    "seed 001": ("/api/v1/engine", {"command": "CLOSE_TRADE", "tradeId": "{id}"}),
    "seed 003": ("/trade/close/{id}", {}),
    "seed 004": ("/api/v1/positions/close", {"positionId": "pos_{id}"}),
}
OPENINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "canonical": ("/api/v1/orders", {"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10"}),
    "seed 000": ("/trades", {"asset": "BTC", "type": "long", "margin": 10, "leverage": 10}),
    "seed 001": ("/api/v1/engine", {"command": "CREATE_TRADE", "asset": "BTC", "direction": "LONG", "margin": 10}),
    "seed 002": ("/api/trading/orders", SPOT),
    "seed 003": ("/trade/create", {"asset": "BTC", "side": "buy", "qty": "0.001"}),
    "seed 004": ("/api/v1/positions/open", {"asset": "BTC", "type": "long", "margin": 10, "leverage": 2}),
}


@pytest.fixture(autouse=True)
def ready(exchange: Exchange) -> None:
    """The API has connections to PostgreSQL again."""
    eventually(exchange.readiness, lambda seen: seen[0] == 200)


@contextmanager
def ending_connections(database: psycopg.Connection, after_s: float) -> Iterator[None]:
    """A moment after the block begins PostgreSQL ends every connection of the API."""

    def end() -> None:
        with psycopg.connect(database.info.dsn, password=database.info.password, autocommit=True) as connection:
            connection.execute(END, [database.info.dbname])

    timer = threading.Timer(after_s, end)
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextmanager
def locked(database: psycopg.Connection, table: str) -> Iterator[None]:
    """Nobody reads a table in this block: who tries fails after five seconds."""
    with psycopg.connect(database.info.dsn, password=database.info.password) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


def sent(
    exchange: Exchange, user: User, route: tuple[str, dict[str, Any]], position_id: str = "", **headers: str
) -> Any:
    """The answer of a route about a position."""
    path, body = route
    named = {name: value.format(id=position_id) if isinstance(value, str) else value for name, value in body.items()}
    url = exchange.url + path.format(id=position_id)
    return user.http.post(url, json=named or None, headers={k.replace("_", "-"): v for k, v in headers.items()})


def known_position(user: User, position_id: str) -> dict[str, Any]:
    """A position, once it can be read."""
    reply = eventually(lambda: user.http.get(f"/positions/{position_id}"), lambda one: one.status_code == 200)
    found: dict[str, Any] = reply.json()
    return found


def is_known(reply: httpx.Response) -> None:
    assert reply.status_code < 300, reply.text
    assert reply.status_code != 202 or "Location" in reply.headers


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)], ids=["a sample", "each moment"])
@pytest.mark.parametrize("route", CLOSES)
def test_a_close_that_was_executed_is_not_answered_with_a_server_error_while_connections_end(
    exchange: Exchange, database: psycopg.Connection, route: str, step: int
) -> None:
    user = exchange.new_user()
    # Another moment on each route, so that the sample has them all.
    for number in range(list(CLOSES).index(route) % step, 20, step):
        position_id = user.opened(margin="100")["position_id"]
        with ending_connections(database, 0.002 * number):
            reply = sent(exchange, user, CLOSES[route], position_id)
        before = {"status": "open", "quantity": "0.02000"}
        after = known_position(user, position_id)
        is_executed = {name: after[name] for name in before} != before
        assert not is_executed or reply.status_code < SERVER_ERROR, reply.text
        assert reply.status_code < 300 or reply.status_code >= SERVER_ERROR, reply.text


@pytest.mark.parametrize("route", CLOSES)
def test_a_close_whose_outcome_comes_while_postgresql_is_away_is_answered(exchange: Exchange, route: str) -> None:
    user = exchange.new_user()
    position_id = user.opened()["position_id"]
    path, body = CLOSES[route]
    named = {name: value.format(id=position_id) for name, value in body.items()}
    is_known(answered_without_database(exchange, user, exchange.url + path.format(id=position_id), **named))


@pytest.mark.parametrize("route", OPENINGS)
def test_an_order_whose_outcome_comes_while_postgresql_is_away_is_answered(exchange: Exchange, route: str) -> None:
    user = exchange.new_user()
    eventually(lambda: user.get("/account"), lambda account: account["free_margin"] != "0.000000")
    path, body = OPENINGS[route]
    is_known(answered_without_database(exchange, user, exchange.url + path, **body))


def test_an_amendment_whose_outcome_comes_while_postgresql_is_away_is_answered(exchange: Exchange) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened()['position_id']}"
    is_known(answered_without_database(exchange, user, path, method="PATCH", stop_loss="48000"))


@pytest.mark.parametrize("path", ["/api/v1/demo/deposit", "/balance/deposit", "/api/v1/withdrawals"])
def test_money_that_was_moved_while_postgresql_is_away_is_answered(exchange: Exchange, path: str) -> None:
    user = exchange.new_user()
    body = {"symbol": "USDC", "amount": "100", "decimals": 2} if path == "/balance/deposit" else {"amount": "1"}
    reply = answered_without_database(exchange, user, exchange.url + path, **body)
    is_known(reply)
    if path == "/api/v1/withdrawals":
        assert reply.json()["status"] == "done"
        where = f"/withdrawals/{reply.json()['id']}"
        found = eventually(lambda: user.http.get(where), lambda one: one.status_code == 200).json()
        assert {name: found[name] for name in ("status", "event_id")} == {
            name: reply.json()[name] for name in ("status", "event_id")
        }


def test_a_deposit_of_an_administrator_whose_outcome_comes_while_postgresql_is_away_is_answered(
    exchange: Exchange,
) -> None:
    user, admin = exchange.new_user(), administrator(exchange)
    account_id = user.get("/auth/me")["account_id"]
    eventually(lambda: user.get("/ledger")["items"], lambda lines: len(lines) == 1)
    path, body = f"/admin/accounts/{account_id}/deposits", {"amount": "5", "reason": "received"}
    reply = answered_without_database(exchange, admin, path, account_id, **body)
    assert (reply.status_code, reply.json()["status"]) == (201, "done"), reply.text
    lines = eventually(lambda: user.http.get("/ledger"), lambda one: one.status_code == 200).json()["items"]
    assert [line["amount"] for line in lines] == ["5.000000", "5000.000000"]


def test_an_order_at_the_venue_and_its_cancellation_are_answered_while_postgresql_is_away(exchange: Exchange) -> None:
    user = exchange.new_user()
    assert user.http.put("/venue-keys", json=VENUE_KEYS).status_code == 200
    order = exchange.url + "/api/trading/orders"
    placed = user.http.post(order, json=SPOT).json()["orderId"]
    eventually(lambda: user.http.get(f"{order}/{placed}"), lambda one: one.status_code == 200)
    for method, path, body in (("POST", order, SPOT), ("DELETE", f"{order}/{placed}", None)):
        before = sum(end_offsets(exchange.settings, VENUE_COMMANDS))
        with exchange.held("projector"), ThreadPoolExecutor(1) as pool:
            sending = pool.submit(user.http.request, method, path, json=body)
            eventually(lambda: sum(end_offsets(exchange.settings, VENUE_COMMANDS)), lambda end: end > before, 10)  # noqa: B023
            with without_database(exchange):
                is_known(sending.result(20))
        eventually(lambda: user.http.get(f"{order}/{placed}"), lambda one: one.status_code == 200)


def user_of_other_shard(exchange: Exchange) -> User:
    """A user whose events a process that starts does not read: of the shard of prices it reads some of before."""
    while True:
        user = exchange.new_user()
        if shard_of(user.get("/auth/me")["account_id"], exchange.settings.shards) != PRICE_SHARD:
            return user


def test_a_repeated_command_that_only_the_tables_remember_is_answered_while_they_are_not_read(
    exchange: Exchange, database: psycopg.Connection
) -> None:
    user = user_of_other_shard(exchange)
    order, close = OPENINGS["canonical"], CLOSES["seed 001"]
    keys = {"Idempotency_Key": uuid4().hex}, {"Idempotency_Key": uuid4().hex}
    position_id = sent(exchange, user, order, **keys[0]).json()["position_id"]
    assert sent(exchange, user, close, position_id, **keys[1]).status_code == 200
    eventually(lambda: user.get("/fills")["items"], lambda fills: len(fills) == 2)
    with (
        second_process(exchange) as second,
        at(second, user) as there,
        ThreadPoolExecutor(2) as pool,
        locked(database, "ledger.account_events"),
        locked(database, "ledger.receipts"),
    ):
        repeated = [
            pool.submit(sent, second, there, order, **keys[0]),
            pool.submit(sent, second, there, close, position_id, **keys[1]),
        ]
        opened, closed = (each.result() for each in repeated)
    for reply in (opened, closed):
        assert reply.status_code == 202, reply.text
        assert "Location" in reply.headers
