"""A signed request cannot be changed on its way, and no key signs for requests that it never saw."""

import base64
import json
from hashlib import sha256
from typing import Final
from uuid import uuid4

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.exchange import Exchange, User
from tests.auth.signing import Key, signed
from tests.security.keys import JSON, ask, new_key

ORDER: Final = json.dumps({"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "2"}).encode()
OPTIONS: Final = {"Idempotency-Key": "a-key-of-the-tests", "If-Match": "*", "Prefer": "respond-async"}
PRIME: Final = 2**255 - 19
OF_ORDER_8: Final = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)


def encoded(y: int) -> bytes:
    return y.to_bytes(32, "little")


# Every encoding of a point whose order divides 8, without and with the sign of x, and those of y + p.
SMALL_ORDER: Final = sorted(
    bytes((*one[:31], one[31] | sign))
    for one in (
        *(encoded(y) for y in (0, 1, PRIME - 1, PRIME, PRIME + 1)),
        *(bytes.fromhex(one) for one in OF_ORDER_8),
    )
    for sign in (0, 0x80)
)


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    return exchange.new_user()


@pytest.fixture(scope="module")
def key(user: User) -> Key:
    return new_key(user, "read", "trade")


def send(exchange: Exchange, headers: dict[str, str] | list[tuple[str, str]]) -> httpx.Response:
    """Send the order; what a client adds by itself is not among the signed headers."""
    with httpx.Client(base_url=exchange.url, timeout=20.0) as program:
        return program.post(
            "/api/v1/orders", content=ORDER, headers=[*httpx.Headers(headers).multi_items(), *JSON.items()]
        )


def is_refused(reply: httpx.Response) -> bool:
    return reply.status_code == 401 and reply.json()["code"] == "SIGNATURE_INVALID"


@pytest.mark.parametrize("name", OPTIONS)
def test_a_signed_request_to_which_a_header_is_added_is_refused(exchange: Exchange, key: Key, name: str) -> None:
    headers = signed(key, "POST", "/api/v1/orders", body=ORDER)
    assert is_refused(send(exchange, headers | {name: OPTIONS[name]}))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_signed_request_whose_header_is_changed_taken_off_or_repeated_is_refused(
    exchange: Exchange, key: Key, name: str
) -> None:
    other = {"Idempotency-Key": f"{uuid4()}", "If-Match": '"x"', "Prefer": "wait=1"}[name]
    headers = signed(key, "POST", "/api/v1/orders", body=ORDER, options=OPTIONS)
    assert is_refused(send(exchange, headers | {name: other}))
    assert is_refused(send(exchange, {other: value for other, value in headers.items() if other != name}))
    assert is_refused(send(exchange, [*headers.items(), (name, other)]))
    assert is_refused(send(exchange, [(name, other), *headers.items()]))


def test_a_signed_request_s_options_are_what_the_exchange_does(exchange: Exchange, key: Key) -> None:
    options = {"Idempotency-Key": uuid4().hex}
    first, again = (ask(exchange, key, "POST", "/api/v1/orders", ORDER, options) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert first.json()["order_id"] == again.json()["order_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    later = ask(exchange, key, "POST", "/api/v1/orders", ORDER, {"Prefer": "respond-async"})
    assert (later.status_code, later.json()["status"]) == (202, "pending")


def test_a_signature_of_the_older_form_is_refused_and_the_answer_names_the_form_of_now(
    exchange: Exchange, key: Key
) -> None:
    """Whoever holds such a request could take its headers off: it is believed with none of them and without."""
    now = signed(key, "POST", "/api/v1/orders", body=ORDER)
    lines = ("REPRISE-ED25519-1", key.id, now["X-Timestamp"], now["X-Window"], now["X-Nonce"])
    text = "\n".join((*lines, "POST", "/api/v1/orders", "", sha256(ORDER).hexdigest())).encode()
    older = now | {"X-Signature": base64.b64encode(key.private.sign(text)).decode()}
    reply = send(exchange, older)
    assert is_refused(reply)
    assert "REPRISE-ED25519-2" in reply.json()["detail"]
    assert is_refused(send(exchange, older | {"Idempotency-Key": "x"}))


@pytest.mark.parametrize("public", SMALL_ORDER, ids=bytes.hex)
def test_a_public_key_of_small_order_is_refused(exchange: Exchange, user: User, public: bytes) -> None:
    body = {"public_key": base64.b64encode(public).decode(), "scopes": ["read"]}
    reply = user.http.post("/api-keys", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "MALFORMED"), reply.text
    assert reply.json()["errors"][0]["pointer"] == "/public_key"


@pytest.mark.parametrize("public", SMALL_ORDER, ids=bytes.hex)
def test_a_public_key_of_small_order_that_is_stored_signs_nothing(
    exchange: Exchange, user: User, database: psycopg.Connection, public: bytes
) -> None:
    """With the identity as the key, the identity and 0 are a signature of any text."""
    key_id = str(uuid4())
    database.execute(
        "INSERT INTO auth.api_keys (key_id, user_id, public_key, scopes) "
        "SELECT %s, user_id, %s, ARRAY['read', 'trade'] FROM auth.users WHERE email = %s",
        [key_id, public, user.email],
    )
    for point in SMALL_ORDER:
        now = signed(Key(key_id, Ed25519PrivateKey.generate()), "GET", "/api/v1/account")
        now["X-Signature"] = base64.b64encode(point + bytes(32)).decode()
        assert is_refused(exchange.http.get("/api/v1/account", headers=now))
