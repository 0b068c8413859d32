"""What an API key may do, route by route of both OpenAPI documents; what is about its user it may not."""

import json
import re
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.exchange import Exchange, User
from tests.auth.signing import Key
from tests.security.keys import ask, new_key

# What is behind these changes nothing in the ledger.
READS_BY_POST: Final = {"/api/v1/orders/preview"}
TRADES: Final = {
    *(("POST", "/api/v1/orders"), ("PATCH", "/api/v1/positions/{position_id}"), ("POST", "/api/v1/demo/deposit")),
    *(("POST", "/api/v1/positions/close-all"), ("POST", "/api/v1/positions/{position_id}/close")),
    *(("POST", "/api/v1/alerts"), ("DELETE", "/api/v1/alerts/{alert_id}")),
    *(("POST", "/trades"), ("POST", "/api/v1/trade/create")),
    *(("POST", "/api/trading/orders"), ("DELETE", "/api/trading/orders/{order_id}")),
    *(("POST", "/trade/create"), ("POST", "/trade/open"), ("POST", "/trade/close/{order_id}")),
    *(("POST", "/api/v1/positions/open"), ("POST", "/api/v1/positions/close")),
}
# They are answered with the balance.
TRADES_AND_READS: Final = {
    *(("POST", "/trades/{order_id}/close"), ("POST", "/api/v1/trade/close"), ("POST", "/balance/deposit")),
}
ENGINE: Final = ("POST", "/api/v1/engine")
# What they need depends on the command, and on what is then asked over the socket.
BY_COMMAND: Final = {ENGINE, ("POST", "/api/v1/ws-ticket")}
# Who the user is, their sessions, keys and withdrawals, and what administrators do.
IN_PERSON: Final = re.compile(
    r"/api/v1/(auth|api-keys|venue-keys|withdrawals|admin)(/|$)|/api/v1/user/(me|delete)$|/auth/(me|logout)$|/metrics$"
)
DOCUMENTS: Final = ("/openapi.json", "/api/compat/openapi.json")
SCOPES: Final = ("read", "trade")
DELETE_USER: Final = b'{"command": "DELETE_USER"}'


def scopes_of(method: str, path: str) -> set[str] | None:
    """The scopes a route takes; null where a key may do nothing."""
    if IN_PERSON.match(path):
        return None
    if (method, path) in BY_COMMAND:
        return set()
    if (method, path) in TRADES_AND_READS:
        return {"trade", "read"}
    if (method, path) in TRADES:
        return {"trade"}
    assert method == "GET" or path in READS_BY_POST, f"{method} {path} is in no group here: say what a key may there"
    return {"read"}


def private_operations(exchange: Exchange, document: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation of a document that asks who the caller is."""
    paths: dict[str, dict[str, Any]] = exchange.http.get(document).json()["paths"]
    return [
        (method.upper(), path, operation)
        for path, by_method in paths.items()
        for method, operation in by_method.items()
        if operation.get("security") and operation["operationId"] != "refresh"
    ]


def code_of(reply: httpx.Response) -> str:
    return str(reply.json().get("code")) if "json" in reply.headers.get("content-type", "") else ""


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    return exchange.new_user()


@pytest.fixture(scope="module", params=[("read",), ("trade",), SCOPES], ids=" and ".join)
def scoped(request: pytest.FixtureRequest, user: User) -> tuple[Key, set[str]]:
    """A key, and its scopes."""
    return new_key(user, *request.param), set(request.param)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_key_has_on_every_route_what_its_scope_allows_and_nothing_else(
    exchange: Exchange, user: User, document: str, scoped: tuple[Key, set[str]]
) -> None:
    key, scopes = scoped
    operations = private_operations(exchange, document)
    assert len(operations) > 20
    for method, template, _ in operations:
        path = re.sub(r"\{\w+\}", "0-1", template)
        body = b"" if method in {"GET", "DELETE"} else b"{}"
        reply = ask(exchange, key, method, path, body)
        needed = scopes_of(method, template)
        if needed is not None and needed <= scopes:
            # No replay service runs here.
            assert reply.status_code < 500 or code_of(reply) == "REPLAY_UNAVAILABLE", (method, path, reply.text)
            assert reply.status_code not in {401, 403}, (method, path, reply.text)
        else:
            assert (reply.status_code, code_of(reply)) == (403, "SCOPE_MISSING"), (method, path, reply.text)
        assert user.email not in reply.text, (method, path)
    assert user.get("/auth/me")["email"] == user.email


def test_the_openapi_document_offers_the_signature_on_the_routes_a_key_may_use_alone(exchange: Exchange) -> None:
    for method, path, operation in private_operations(exchange, DOCUMENTS[0]):
        offered = any("signature" in schemes for schemes in operation["security"])
        assert offered == (scopes_of(method, path) is not None), (method, path)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/v1/auth/me", b""),
        ("DELETE", "/api/v1/user/delete", b""),
        ("POST", "/api/v1/engine", DELETE_USER),
    ],
)
def test_a_key_never_deletes_its_user(exchange: Exchange, method: str, path: str, body: bytes) -> None:
    user = exchange.new_user()
    key = new_key(user, *SCOPES)
    reply = ask(exchange, key, method, path, body)
    assert (reply.status_code, code_of(reply)) == (403, "SCOPE_MISSING"), reply.text
    assert user.get("/auth/me")["email"] == user.email


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/v1/auth/me", None),
        ("DELETE", "/api/v1/user/delete", None),
        ("POST", "/api/v1/engine", json.loads(DELETE_USER)),
    ],
)
def test_only_a_recent_login_deletes_a_user_by_whatever_route(
    exchange: Exchange, database: psycopg.Connection, method: str, path: str, body: Any
) -> None:
    user = exchange.new_user()
    user_id = user.get("/auth/me")["id"]
    database.execute(
        "UPDATE auth.sessions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", [user_id]
    )

    def delete(token: str) -> httpx.Response:
        return exchange.http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})

    refused = delete(user.token)
    assert (refused.status_code, code_of(refused)) == (403, "LOGIN_TOO_OLD"), refused.text
    assert user.get("/auth/me")["id"] == user_id
    assert delete(exchange.login(user.email)).status_code in {200, 202}
    assert user.http.get("/auth/me").status_code == 401


def test_an_engine_s_answers_to_a_key_have_no_email(exchange: Exchange, user: User) -> None:
    key = new_key(user, *SCOPES)
    for command in ("CREATE_ACCOUNT", "GET_BALANCE", "GET_USD_BALANCE"):
        reply = ask(exchange, key, "POST", "/api/v1/engine", json.dumps({"command": command}).encode())
        assert reply.status_code == 200, reply.text
        assert "@" not in reply.text


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ({"command": "GET_BALANCE"}, {"read"}),
        ({"command": "GET_USD_BALANCE"}, {"read"}),
        ({"command": "CREATE_ACCOUNT"}, {"read", "trade"}),
        ({"command": "CREATE_TRADE", "asset": "BTC", "direction": "LONG", "margin": 1, "leverage": 200}, {"trade"}),
        ({"command": "CLOSE_TRADE", "tradeId": "0-1"}, {"trade"}),
    ],
)
def test_a_command_of_the_engine_needs_the_scope_of_what_it_does_and_shows(
    exchange: Exchange, scoped: tuple[Key, set[str]], command: dict[str, Any], needed: set[str]
) -> None:
    key, scopes = scoped
    reply = ask(exchange, key, *ENGINE, json.dumps(command).encode())
    assert (code_of(reply) == "SCOPE_MISSING") == (not needed <= scopes), reply.text
    if not needed <= scopes:
        assert reply.status_code == 403
        assert "alance" not in reply.text


def test_a_key_that_only_trades_is_answered_with_no_balance(exchange: Exchange, user: User) -> None:
    key = new_key(user, "trade")
    for path in ("/trades/0-1/close", "/api/v1/trade/close", "/balance/deposit"):
        reply = ask(exchange, key, "POST", path, b'{"orderId": "0-1", "symbol": "USDC", "amount": 1, "decimals": 0}')
        assert (reply.status_code, code_of(reply)) == (403, "SCOPE_MISSING"), (path, reply.text)


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_a_key_of_an_administrator_reads_no_other_account(
    exchange: Exchange, database: psycopg.Connection, user: User, role: str
) -> None:
    above = exchange.new_user()
    key = new_key(above, *SCOPES)
    database.execute("UPDATE auth.users SET role = %s WHERE email = %s", [role, above.email])
    other = user.get("/auth/me")["account_id"]
    for part in ("", "/steps", "/bundle", "/command"):
        reply = ask(exchange, key, "GET", f"/api/v1/audit/replay{part}?account={other}&offset=0&limit=1")
        assert (reply.status_code, code_of(reply)) == (403, "SCOPE_MISSING"), (part, reply.text)
    assert ask(exchange, key, "GET", f"/api/v1/audit/replay?account={uuid4()}").status_code == 403
