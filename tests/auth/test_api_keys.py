"""API keys sign requests: each signature is accepted once, within the key's scopes and lifetime."""

import base64
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.api_keys.service import KEYS_MAX
from api.credentials.signatures import FIRST_LINE
from tests.auth.conftest import Ask, Browser, refused
from tests.auth.signing import Key, headers_of, public_half

DOCUMENT = Path(__file__).parents[2] / "docs" / "api-keys.md"
DEPOSIT = b'{"amount": "1"}'
READ, TRADE = ["read"], ["trade"]


@pytest.fixture
def owner(browser: Browser) -> Browser:
    """A user who is signed in by header: their client holds no cookie."""
    browser.http.headers["Authorization"] = f"Bearer {browser.login()}"
    browser.http.cookies.clear()
    return browser


def made(owner: Browser, *scopes: str, **fields: Any) -> Key:
    private = Ed25519PrivateKey.generate()
    body = {"public_key": public_half(private), "scopes": scopes or ("read", "trade")}
    reply = owner.post("/api-keys", json=body | fields)
    assert reply.status_code == 201, reply.text
    return Key(reply.json()["id"], private)


def anonymous(owner: Browser) -> Browser:
    return Browser(owner.site)


def test_an_api_key_is_made_shown_listed_and_deleted_by_its_owner_alone(owner: Browser) -> None:
    private = Ed25519PrivateKey.generate()
    body = {"public_key": public_half(private), "scopes": ["trade", "read"], "name": "bot"}
    reply = owner.post("/api-keys", json=body)
    key = reply.json()
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/api/v1/api-keys/{key['id']}"
    assert (key["name"], key["scopes"], key["last_used_at"]) == ("bot", ["read", "trade"], None)
    assert key["public_key"] == public_half(private)
    second = made(owner, "read")
    listed = owner.get("/api-keys").json()
    assert [item["id"] for item in listed["items"]] == [second.id, key["id"]]
    assert listed["next_cursor"] is None
    assert owner.get(f"/api-keys/{key['id']}").json() == key
    other = Browser(owner.site).register()
    other.login()
    assert other.get("/api-keys").json()["items"] == []
    refused(other.get(f"/api-keys/{key['id']}"), 404, "NOT_FOUND")
    refused(other.http.delete(f"/api/v1/api-keys/{key['id']}"), 404, "NOT_FOUND")
    assert owner.http.delete(f"/api/v1/api-keys/{key['id']}").status_code == 204
    refused(owner.http.delete(f"/api/v1/api-keys/{key['id']}"), 404, "NOT_FOUND")
    refused(owner.get("/api-keys/nothing"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "fields",
    [
        {"public_key": "short"},
        {"public_key": "A" * 64},
        {"public_key": 5},
        {"scopes": []},
        {"scopes": ["withdraw"]},
        {"scopes": ["read", "read"]},
        {"name": "x" * 101},
        {"private_key": "x"},
    ],
)
def test_an_api_key_with_an_impossible_field_is_malformed(owner: Browser, fields: dict[str, Any]) -> None:
    body = {"public_key": public_half(Ed25519PrivateKey.generate()), "scopes": READ} | fields
    refused(owner.post("/api-keys", json=body), 422, "MALFORMED")


def test_a_user_has_at_most_the_maximum_number_of_api_keys(owner: Browser) -> None:
    for _ in range(KEYS_MAX):
        made(owner, "read")
    body = {"public_key": public_half(Ed25519PrivateKey.generate()), "scopes": READ}
    refused(owner.post("/api-keys", json=body), 409, "TOO_MANY_API_KEYS")


def test_a_signed_request_acts_for_the_owner_of_the_key_and_sets_its_last_use(owner: Browser) -> None:
    key, program = made(owner), anonymous(owner)
    query = "status=all&symbol=BTC_USDC"
    reply = program.get(f"/positions?{query}", headers=headers_of(key, "GET", "/positions", query))
    assert reply.json() == {"items": [], "next_cursor": None}
    signed = headers_of(key, "POST", "/demo/deposit", body=DEPOSIT)
    sent = program.post("/demo/deposit", content=DEPOSIT, headers=signed | {"Content-Type": "application/json"})
    refused(sent, 503, "BROKER_UNAVAILABLE")
    assert owner.get(f"/api-keys/{key.id}").json()["last_used_at"] is not None


def test_a_request_without_the_scope_of_its_route_is_refused(owner: Browser) -> None:
    program = anonymous(owner)
    reading, trading = made(owner, "read"), made(owner, "trade")
    refused(program.get("/positions", headers=headers_of(trading, "GET", "/positions")), 403, "SCOPE_MISSING")
    signed = headers_of(reading, "POST", "/demo/deposit", body=DEPOSIT)
    refused(
        program.post("/demo/deposit", content=DEPOSIT, headers=signed | {"Content-Type": "application/json"}),
        403,
        "SCOPE_MISSING",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"),
        ("DELETE", "/auth/me"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout-everywhere"),
        ("POST", "/auth/password"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions/0"),
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("GET", "/admin/rules"),
    ],
)
def test_a_key_acts_for_its_user_in_the_market_only(owner: Browser, method: str, path: str) -> None:
    key = made(owner)
    reply = anonymous(owner).http.request(method, f"/api/v1{path}", headers=headers_of(key, method, path))
    refused(reply, 403, "SCOPE_MISSING")


def test_a_signature_is_accepted_once(owner: Browser) -> None:
    key, program = made(owner), anonymous(owner)
    headers = headers_of(key, "GET", "/positions")
    assert program.get("/positions", headers=headers).status_code == 200
    refused(program.get("/positions", headers=headers), 401, "SIGNATURE_INVALID")
    again = headers_of(key, "GET", "/positions", nonce=headers["X-Nonce"])
    refused(program.get("/positions", headers=again), 401, "SIGNATURE_INVALID")
    another = made(owner)
    same_nonce = headers_of(another, "GET", "/positions", nonce=headers["X-Nonce"])
    assert program.get("/positions", headers=same_nonce).status_code == 200


def test_expired_nonces_are_deleted(owner: Browser, sql: Ask) -> None:
    key, program = made(owner), anonymous(owner)
    assert program.get("/positions", headers=headers_of(key, "GET", "/positions")).status_code == 200
    [(kept_for,)] = sql("SELECT expires_at - now() FROM auth.api_key_nonces WHERE key_id = :key", key=key.id)
    assert kept_for.total_seconds() > 60
    sql("UPDATE auth.api_key_nonces SET expires_at = now() WHERE key_id = :key", key=key.id)
    assert program.get("/positions", headers=headers_of(key, "GET", "/positions")).status_code == 200
    assert len(sql("SELECT FROM auth.api_key_nonces WHERE key_id = :key", key=key.id)) == 1


CHANGES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "another time": lambda headers: headers | {"X-Timestamp": str(int(headers["X-Timestamp"]) + 1)},
    "a longer window": lambda headers: headers | {"X-Window": "60000"},
    "another nonce": lambda headers: headers | {"X-Nonce": secrets.token_hex(8)},
    "another key": lambda headers: headers | {"X-Api-Key": str(uuid4())},
    "no key's id": lambda headers: headers | {"X-Api-Key": "1"},
    "a short nonce": lambda headers: headers | {"X-Nonce": "x"},
    "no signature": lambda headers: headers | {"X-Signature": ""},
    "another signature": lambda headers: headers | {"X-Signature": base64.b64encode(bytes(64)).decode()},
    "no time": lambda headers: {name: value for name, value in headers.items() if name != "X-Timestamp"},
    "no nonce": lambda headers: {name: value for name, value in headers.items() if name != "X-Nonce"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_request_with_a_header_changed_after_signing_is_refused(
    owner: Browser, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    headers = change(headers_of(made(owner), "GET", "/positions"))
    refused(anonymous(owner).get("/positions", headers=headers), 401, "SIGNATURE_INVALID")


def test_a_signature_for_another_method_path_query_or_body_is_refused(owner: Browser) -> None:
    key, program = made(owner), anonymous(owner)
    refused(program.get("/fills", headers=headers_of(key, "GET", "/positions")), 401, "SIGNATURE_INVALID")
    refused(program.get("/positions", headers=headers_of(key, "POST", "/positions")), 401, "SIGNATURE_INVALID")
    asked = headers_of(key, "GET", "/positions", "status=open")
    refused(program.get("/positions?status=all", headers=asked), 401, "SIGNATURE_INVALID")
    paid = headers_of(key, "POST", "/demo/deposit", body=DEPOSIT)
    refused(
        program.post("/demo/deposit", content=b'{"amount": "9"}', headers=paid | {"Content-Type": "application/json"}),
        401,
        "SIGNATURE_INVALID",
    )


@pytest.mark.parametrize(
    ("seconds", "window"), [(-6, 5_000), (-59, 30_000), (2, 5_000), (-61, 60_001), (0, 0)], ids=str
)
def test_a_signature_with_a_time_outside_its_window_is_refused(owner: Browser, seconds: int, window: int) -> None:
    then = time.time_ns() // 1_000_000 + seconds * 1_000
    headers = headers_of(made(owner), "GET", "/positions", timestamp=then, window=window)
    refused(anonymous(owner).get("/positions", headers=headers), 401, "SIGNATURE_INVALID")


def test_a_wider_window_lets_a_slow_request_in(owner: Browser) -> None:
    then = time.time_ns() // 1_000_000 - 30_000
    headers = headers_of(made(owner), "GET", "/positions", timestamp=then, window=60_000)
    assert anonymous(owner).get("/positions", headers=headers).status_code == 200


def test_a_signature_of_a_deleted_key_is_refused(owner: Browser) -> None:
    key, program = made(owner), anonymous(owner)
    assert program.get("/positions", headers=headers_of(key, "GET", "/positions")).status_code == 200
    owner.http.delete(f"/api/v1/api-keys/{key.id}")
    refused(program.get("/positions", headers=headers_of(key, "GET", "/positions")), 401, "SIGNATURE_INVALID")


def test_a_signature_beside_another_user_s_cookie_or_any_token_is_refused(owner: Browser) -> None:
    key, program = made(owner), anonymous(owner)
    other = Browser(owner.site).register()
    theirs = {"Cookie": f"session={other.login()}"}
    signed = headers_of(key, "GET", "/positions")
    refused(program.get("/positions", headers=signed | theirs), 401, "CREDENTIALS_CONFLICT")
    signed = headers_of(key, "GET", "/positions")
    refused(owner.get("/positions", headers=signed), 401, "CREDENTIALS_CONFLICT")
    own = {"Cookie": f"session={owner.login()}"}
    assert program.get("/positions", headers=headers_of(key, "GET", "/positions") | own).status_code == 200


def test_the_signing_example_of_the_guide_signs_accepted_requests(owner: Browser) -> None:
    program: dict[str, Any] = {}
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, program)  # noqa: S102  # The guide's own example, as it is printed there.
    key, client = made(owner), anonymous(owner)
    url = f"{owner.site.url}/api/v1/positions?status=open"
    assert client.http.get(url, headers=program["signed"](key.private, key.id, "GET", url)).status_code == 200
    url = f"{owner.site.url}/api/v1/demo/deposit"
    headers = program["signed"](key.private, key.id, "POST", url, DEPOSIT) | {"Content-Type": "application/json"}
    refused(client.http.post(url, content=DEPOSIT, headers=headers), 503, "BROKER_UNAVAILABLE")
    assert FIRST_LINE in DOCUMENT.read_text(encoding="utf-8")
    options = {"Idempotency-Key": "one"}
    headers = program["signed"](key.private, key.id, "POST", url, DEPOSIT, options) | {
        "Content-Type": "application/json"
    }
    refused(client.http.post(url, content=DEPOSIT, headers=headers), 503, "BROKER_UNAVAILABLE")
    headers = program["signed"](key.private, key.id, "GET", f"{owner.site.url}/api/v1/fills")
    del headers["X-Window"]
    assert client.get("/fills", headers=headers).status_code == 200
