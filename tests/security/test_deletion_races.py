"""A user who is deleted while something of theirs is being stored: it is refused, and nothing of them is left."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.exchange import PASSWORD, Exchange, User
from tests.auth.signing import public_half
from tests.processes import eventually
from tests.security.keys import ask, new_key

OF_A_USER: Final = ("sessions", "api_keys", "ws_tickets", "venue_keys")
WAITING: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reprise-api' AND wait_event_type = 'Lock'"
    " AND datname = current_database()"
)
Sent = Callable[[], httpx.Response]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


@contextmanager
def held(database: psycopg.Connection, statement: str, *values: Any) -> Iterator[None]:
    """A lock that is held in this block."""
    with psycopg.connect(database.info.dsn, password=database.info.password) as connection:
        connection.execute(statement.encode(), values)
        yield


def until_waiting(database: psycopg.Connection, number: int) -> None:
    """Until so many requests wait for a lock in the database."""
    eventually(lambda: database.execute(WAITING).fetchone(), lambda found: found is not None and found[0] >= number, 4)


def left_of(database: psycopg.Connection, user_id: str) -> dict[str, int]:
    """How many rows there are of a user, in the tables that have any."""
    found = {}
    for table in OF_A_USER:
        query = f"SELECT count(*) FROM auth.{table} WHERE user_id = %s"  # noqa: S608  # Names of our own.
        row = database.execute(query.encode(), [user_id]).fetchone()
        assert row is not None
        found[table] = row[0]
    return {table: number for table, number in found.items() if number}


def deletion(user: User) -> Sent:
    return lambda: user.http.delete("/auth/me")


def new_public_key() -> dict[str, Any]:
    return {"public_key": public_half(Ed25519PrivateKey.generate()), "scopes": ["read"]}


def login(exchange: Exchange, user: User) -> httpx.Response:
    with httpx.Client(base_url=exchange.url, timeout=20.0) as client:
        return client.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})


def test_a_key_and_a_session_that_are_stored_while_a_deletion_waits_are_deleted_too(
    exchange: Exchange, database: psycopg.Connection, pool: ThreadPoolExecutor
) -> None:
    user = exchange.new_user()
    user_id = user.get("/auth/me")["id"]
    with held(database, "SELECT FROM auth.users WHERE user_id = %s FOR SHARE", user_id):
        deleting = pool.submit(deletion(user))
        until_waiting(database, 1)
        stored = [
            user.http.post("/api-keys", json=new_public_key()).status_code,
            user.http.put("/venue-keys", json={"api_key": "a" * 64, "secret_key": "b" * 64}).status_code,
            user.http.post("/ws-ticket").status_code,
            login(exchange, user).status_code,
        ]
    assert deleting.result().status_code == 202
    assert stored == [201, 200, 201, 200]
    assert left_of(database, user_id) == {}


@pytest.mark.parametrize("table", ["ws_tickets", "api_keys", "venue_keys"])
def test_a_row_stored_while_the_deletion_of_its_user_goes_on_is_refused(
    exchange: Exchange, database: psycopg.Connection, pool: ThreadPoolExecutor, table: str
) -> None:
    user = exchange.new_user()
    user_id = user.get("/auth/me")["id"]
    storing: dict[str, Sent] = {
        "ws_tickets": lambda: user.http.post("/ws-ticket"),
        "api_keys": lambda: user.http.post("/api-keys", json=new_public_key()),
        "venue_keys": lambda: user.http.put("/venue-keys", json={"api_key": "a" * 64, "secret_key": "b" * 64}),
    }
    with held(database, f"LOCK TABLE auth.{table} IN EXCLUSIVE MODE"):
        deleting = pool.submit(deletion(user))
        until_waiting(database, 1)
        late = pool.submit(storing[table])
        until_waiting(database, 2)
    assert deleting.result().status_code == 202
    assert (late.result().status_code, late.result().json()["code"]) == (401, "TOKEN_INVALID"), late.result().text
    assert left_of(database, user_id) == {}


def test_a_request_signed_by_a_key_that_is_being_revoked_is_refused(
    exchange: Exchange, database: psycopg.Connection, pool: ThreadPoolExecutor
) -> None:
    user = exchange.new_user()
    for method, path in (("GET", "/api/v1/account"), ("POST", "/api/v1/ws-ticket")):
        key = new_key(user, "read")
        assert ask(exchange, key, "GET", "/api/v1/account").status_code == 200
        with held(database, "LOCK TABLE auth.api_key_nonces IN EXCLUSIVE MODE"):
            revoking = pool.submit(user.http.delete, f"/api-keys/{key.id}")
            until_waiting(database, 1)
            late = pool.submit(ask, exchange, key, method, path)
            until_waiting(database, 2)
        assert revoking.result().status_code == 204
        assert (late.result().status_code, late.result().json()["code"]) == (401, "SIGNATURE_INVALID"), path


def test_a_websocket_ticket_of_a_key_that_is_being_revoked_is_refused(
    exchange: Exchange, database: psycopg.Connection, pool: ThreadPoolExecutor
) -> None:
    user = exchange.new_user()
    key = new_key(user, "read")
    with held(database, "LOCK TABLE auth.ws_tickets IN EXCLUSIVE MODE"):
        revoking = pool.submit(user.http.delete, f"/api-keys/{key.id}")
        until_waiting(database, 1)
        late = pool.submit(ask, exchange, key, "POST", "/api/v1/ws-ticket")
        until_waiting(database, 2)
    assert revoking.result().status_code == 204
    assert (late.result().status_code, late.result().json()["code"]) == (401, "SIGNATURE_INVALID"), late.result().text


@pytest.mark.parametrize("rounds", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_a_deletion_amid_every_request_of_the_user_leaves_nothing_and_no_server_error(
    exchange: Exchange, database: psycopg.Connection, pool: ThreadPoolExecutor, rounds: int
) -> None:
    for _ in range(rounds):
        user = exchange.new_user()
        user_id = user.get("/auth/me")["id"]
        key = new_key(user, "read", "trade")
        with httpx.Client(base_url=f"{exchange.url}/api/v1", timeout=20.0) as browser:
            signed_in = browser.post("/auth/login", json={"email": user.email, "password": PASSWORD})
            cookie = {"Cookie": f"refresh={signed_in.cookies['refresh']}"}
        alert = {"symbol": "BTC_USDC", "direction": "above", "price": "90000"}
        doing: list[Sent] = [
            lambda: user.http.post("/ws-ticket"),  # noqa: B023  # All are awaited in this round.
            lambda: user.http.post("/api-keys", json=new_public_key()),  # noqa: B023
            lambda: user.http.delete(f"/api-keys/{key.id}"),  # noqa: B023
            lambda: login(exchange, user),  # noqa: B023
            lambda: httpx.post(f"{exchange.url}/api/v1/auth/refresh", headers=cookie, timeout=20.0),  # noqa: B023
            lambda: user.http.put("/venue-keys", json={"api_key": "a" * 64, "secret_key": "b" * 64}),  # noqa: B023
            lambda: user.http.post("/alerts", json=alert),  # noqa: B023
            lambda: ask(exchange, key, "POST", "/api/v1/ws-ticket"),  # noqa: B023
            lambda: user.http.post("/withdrawals", json={"amount": "1"}),  # noqa: B023
            lambda: user.http.get("/account"),  # noqa: B023
        ]
        gate = threading.Barrier(len(doing) + 1)
        sent: list[Future[httpx.Response]] = [
            pool.submit(lambda one: (gate.wait(), one())[1], one)  # noqa: B023
            for one in (*doing, deletion(user))
        ]
        replies = [one.result() for one in sent]
        assert replies[-1].status_code in {202, 401}, replies[-1].text
        # An alert waits for prices that are in no table yet.
        failed = [reply.text for reply in replies if reply.status_code >= 500 and "PROJECTION_BEHIND" not in reply.text]
        assert failed == []
        time.sleep(0.1)
        assert left_of(database, user_id) == {}
