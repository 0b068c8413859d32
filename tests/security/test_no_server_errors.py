"""Whatever a token, a header or a message says, the answer is a refusal in words, and no error of the server's."""

import base64
import hmac
import json
import re
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.credentials.tokens import key_id
from api.stream.message_rate import BURST
from stack.ports import LOOPBACK
from tests.api.exchange import Exchange, User
from tests.api.websocket_client import websocket_client
from tests.security.keys import ask, new_key

DEEP: Final = 20_000
AT_ONCE: Final = int(BURST) // 2 - 5  # texts, of which each has a ping after it
CLAIMS: Final = {
    **{f"exp {value}": f'"exp": {value}' for value in ("1e300", "Infinity", "NaN", "-1e300", "1e18", "99999999999999")},
    **{f"exp {value}": f'"exp": {value}' for value in ("9" * 400, "9" * 5_000, "null", "[]", '"1e300"', "true")},
    **{f"iat {value}": f'"iat": {value}' for value in ("1e300", "Infinity", "NaN", '"\\u0000"')},
    **{f"nbf {value}": f'"nbf": {value}' for value in ("1e300", "Infinity", "NaN")},
    **{f"sub {value}": f'"sub": {value}' for value in ('"\\u0000"', '"\\ud800"', "1e300", "[]", "null")},
    **{f"sid {value}": f'"sid": {value}' for value in ('"\\u0000"', '"\\ud800"', "1e300", "[]", "null")},
    "aud of numbers": '"aud": [1e300]',
    "deep nesting": f'"x": {"[" * DEEP}{"]" * DEEP}',
}
HEADERS: Final = {
    "a kid with a NUL": '{"alg": "HS256", "kid": "\\u0000"}',
    "a kid that is a list": '{"alg": "HS256", "kid": []}',
    "a kid that is infinite": '{"alg": "HS256", "kid": 1e999}',
    "no object": "[]",
    "a long number": f'{{"alg": "HS256", "kid": {"9" * 5_000}}}',
    "deep nesting": "[" * DEEP + "]" * DEEP,
}
# Texts that are no message, or none that can be done.
MESSAGES: Final = (
    *(f'{{"op": "ping", "id": {one}}}' for one in ('"\\u0000"', '"\\ud800"', '"a\\u0000b"', "1e400", "true", "[]")),
    *(f'{{"op": "ping", "id": {one}}}' for one in ("9" * 30, "-" + "9" * 30, "9" * 5_000, '"' + "x" * 65 + '"')),
    *(f'{{"op": {one}}}' for one in ('"\\u0000"', '"\\ud800"', "1e400", "[]", "null", '"' + "x" * 65 + '"')),
    *(f'{{"op": {one}, "id": {one}}}' for one in ('"\\u0000"', '"\\ud800"', "9" * 5_000)),
    *(f'{{"op": "subscribe", "channels": [{one}]}}' for one in ('"\\u0000"', '"ticks.\\u0000"', '"\\ud800"', "1", "")),
    '{"op": "subscribe", "channels": ["ticks.BTC_USDC"], "id": "\\u0000"}',
    *(f'{{"op": "unsubscribe", "channels": [{one}]}}' for one in ('"\\u0000"', '"\\ud800"', '"x"')),
    *(f'{{"op": "resume", "channel": "account", "after": {one}}}' for one in ("1e300", "-1", "9" * 30, '"\\u0000"')),
    *('{"\\u0000": 1}', '{"op": "ping", "\\ud800": 1}', '{"op": "ping", "\\u0000": "\\u0000"}'),
    *("[" * 8_000 + "]" * 8_000, '{"op":' * 2_000, "\x00", "", "null", "1e400", "NaN"),
)
ABSURD: Final = (
    *(
        '"\\u0000"',
        '"\\ud800"',
        '""',
        "1e400",
        "-1e400",
        "NaN",
        "-Infinity",
        "1e-400",
        "[]",
        "{}",
        "null",
        "true",
        "-1",
    ),
    *(
        "9" * 5_000,
        f'"{"9" * 5_000}"',
        f'"{"x" * 300}"',
        "[" * 500 + "]" * 500,
        '"0-99999999999999999999"',
        '"99999-1"',
    ),
)
PLACED: Final = '"symbol": "BTC_USDC", "side": "long", "leverage": "10"'
ORDERS: Final = (
    *(
        f'{{"op": "order.place", "id": 1, "args": {{{PLACED}, "margin": "-1", "{name}": {one}}}}}'
        for name in (
            "symbol",
            "side",
            "type",
            "margin",
            "quantity",
            "leverage",
            "stop_loss",
            "client_order_id",
            "\\ud800",
        )
        for one in ABSURD
    ),
    *(
        f'{{"op": "{op}", "id": 1, "{name}": {one}}}'
        for op in ("order.place", "order.close", "order.close_all")
        for name in ("id", "args", "idempotency_key", "prefer", "if_match")
        for one in ABSURD
        if (op, name) != ("order.close_all", "args") or one != "{}"
    ),
    *(
        f'{{"op": "{op}", "id": "1", "args": {{"position_id": {one}, "quantity": {one}, "stop_loss": {one}}}}}'
        for op in ("order.close", "order.reduce", "order.amend")
        for one in ABSURD
    ),
)
CREDENTIALS: Final = (
    *('"token": "\\u0000"', '"token": "\\ud800"', '"token": ""', '"ticket": "\\u0000"', '"ticket": "\\ud800"'),
    *('"ticket": ""', f'"ticket": "{"x" * 200}"', f'"token": "{"x" * 5_000}"', '"token": 1e400'),
)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def token_of(exchange: Exchange, user: User, *, claims: str = "", header: str | None = None) -> str:
    """A token that is signed under the exchange's own secret; what it says in JSON."""
    secret = exchange.settings.jwt_secret
    assert secret is not None
    middle = user.token.split(".")[1]
    ours = base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)).decode()
    # Of a claim that stands twice the last one counts.
    payload = ours if not claims else f"{ours[:-1]}, {claims}}}"
    head = header or json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id(secret)})
    text = f"{encoded(head)}.{encoded(payload)}"
    return (
        f"{text}.{base64.urlsafe_b64encode(hmac.digest(secret.encode(), text.encode(), 'sha256')).decode().rstrip('=')}"
    )


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    return exchange.new_user()


def answers_to(exchange: Exchange, token: str) -> list[httpx.Response]:
    """What a token gets by header and by each cookie, here and on a seed's route."""
    ways = [{"Authorization": f"Bearer {token}"}, *({"Cookie": f"{name}={token}"} for name in ("session", "token"))]
    with httpx.Client(base_url=exchange.url, timeout=20.0) as client:
        return [client.get(path, headers=way) for way in ways for path in ("/api/v1/auth/me", "/balance")] + [
            client.post("/api/v1/auth/logout", headers=ways[0])
        ]


def test_a_token_made_here_as_the_exchange_makes_one_is_accepted(exchange: Exchange, user: User) -> None:
    reply = exchange.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token_of(exchange, user)}"})
    assert reply.json()["email"] == user.email


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=[name[:30] for name in CLAIMS])
def test_a_signed_token_with_an_absurd_claim_is_refused(exchange: Exchange, user: User, claims: str) -> None:
    for reply in answers_to(exchange, token_of(exchange, user, claims=claims)):
        assert reply.status_code in {401, 431}, reply.text


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_token_with_an_absurd_header_is_refused(exchange: Exchange, user: User, header: str) -> None:
    for reply in answers_to(exchange, token_of(exchange, user, header=header)):
        assert reply.status_code in {401, 431}, reply.text


def test_a_websocket_that_is_not_signed_in_survives_every_message(exchange: Exchange) -> None:
    survives(exchange, None, MESSAGES)


def test_a_websocket_survives_every_order(exchange: Exchange, user: User) -> None:
    with websocket_client(exchange, user) as client:
        for text in ORDERS:
            client.say_text(text)
            assert client.next()["type"] in {"error", "outcome"}, text[:120]
    assert user.get("/positions")["items"] == []
    assert 'status="500"' not in "".join(line for line in exchange.metrics().splitlines() if 'method="WS"' in line)


def test_a_websocket_that_is_signed_in_survives_every_message(exchange: Exchange, user: User) -> None:
    survives(exchange, user, (*MESSAGES, *(f'{{"op": "auth", {one}}}' for one in CREDENTIALS)))


def survives(exchange: Exchange, user: User | None, texts: tuple[str, ...]) -> None:
    """Say each, and a ping after it, on as few sockets as the rate of messages allows without a wait."""
    for first in range(0, len(texts), AT_ONCE):
        with websocket_client(exchange, user) as client:
            for text in texts[first : first + AT_ONCE]:
                client.say_text(text)
                client.next()
                assert client.ask("ping")["type"] == "pong", text[:80]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: str(one)[:30])
def test_an_absurd_credential_over_a_websocket_is_refused_in_words(exchange: Exchange, credential: str) -> None:
    with websocket_client(exchange) as client:
        client.say_text(f'{{"op": "auth", {credential}}}')
        assert client.next()["type"] == "error"


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=[name[:30] for name in CLAIMS])
def test_a_signed_token_with_an_absurd_claim_opens_no_websocket(exchange: Exchange, user: User, claims: str) -> None:
    token = token_of(exchange, user, claims=claims)
    with websocket_client(exchange) as client:
        client.say(op="auth", token=token)
        if len(token) <= 4_096:
            assert client.next()["error"]["code"] in {"TOKEN_INVALID", "TOKEN_EXPIRED"}
            assert client.end()[0] == 4401
        elif len(token) <= 16_000:
            assert client.next()["error"]["code"] == "MALFORMED"
        else:
            assert client.end()[0] == 1009
    if len(token) <= 4_096:
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"ws://{LOOPBACK}:{exchange.settings.port}/?token={token}"),
        ):
            pass
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize("ticket", ["\x00", "", "x" * 129, "x" * 4_000, "é", "\udcff"], ids=repr)
def test_an_absurd_websocket_ticket_closes_the_socket_in_words(exchange: Exchange, ticket: str) -> None:
    with websocket_client(exchange, query=f"?ticket={quote(ticket, errors='surrogateescape')}") as client:
        assert client.next()["error"]["code"] in {"TOKEN_INVALID", "MALFORMED"}
        assert client.end()[0] == 4401


def test_an_absurd_header_or_parameter_is_no_server_error_on_any_route(exchange: Exchange, user: User) -> None:
    headers = (
        {"Ledger-Position": "9" * 5_000 + ":1"},
        {"Ledger-Position": "1:" + "9" * 30},
        {"Ledger-Position": "\x01:1e300"},
        {"If-Match": '"' + "x" * 5_000 + '"'},
        {"Idempotency-Key": '"'},
        {"Prefer": ";;,,=,respond-async;x=\xe9"},
        {"X-Forwarded-For": "\xe9, 999.1.1.1", "Forwarded": "for="},
        {"Origin": "null\xe9"},
    )
    document = exchange.http.get("/openapi.json").json()
    for template, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if operation["operationId"] in {"logout", "logout_everywhere", "delete_me", "get_replay_bundle"}:
                continue
            path = re.sub(r"\{\w+\}", "%00", template)
            for given in headers:
                sent = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
                query = "&".join(
                    f"{one['name']}=%00" for one in operation.get("parameters", ()) if one["in"] == "query"
                )
                body: dict[str, Any] = {"json": {}} if "requestBody" in operation else {}
                reply = user.http.request(method, f"{exchange.url}{path}?{query}", headers=sent, **body)
                assert reply.status_code < 500 or reply.json()["code"] != "INTERNAL_ERROR", (method, path, given)


def test_a_key_that_asks_for_a_logout_is_refused_in_words(exchange: Exchange, user: User) -> None:
    key = new_key(user, "read", "trade")
    for path in ("/api/v1/auth/logout", "/api/v1/auth/logout-everywhere", "/auth/logout"):
        for cookie in ({}, {"Cookie": f"refresh={uuid4()}"}, {"Cookie": "token=x; session=y"}):
            reply = ask(exchange, key, "POST", path, options=cookie)
            assert (reply.status_code, reply.json()["code"]) == (403, "SCOPE_MISSING"), reply.text
    assert user.get("/auth/me")["email"] == user.email
