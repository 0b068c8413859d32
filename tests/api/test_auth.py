"""Who is let in: register, login in both forms, tokens, cookies, other sites' pages, logout."""

import base64
import statistics
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.exchange import PASSWORD, Exchange
from processes import eventually
from reprise.api.auth.passwords import Passwords
from reprise.api.auth.throttle import ACCOUNT_FAILURES_MAX
from reprise.api.users import add_user
from reprise.runtime.errors import FixableError


@pytest.fixture
def client(exchange: Exchange) -> Iterator[httpx.Client]:
    """Somebody without credentials."""
    with httpx.Client(base_url=f"{exchange.url}/api/v1", timeout=10.0) as http:
        yield http


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


def register(client: httpx.Client, email: str, **fields: Any) -> httpx.Response:
    return client.post("/auth/register", json={"email": email, "password": PASSWORD} | fields)


def login(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/auth/login", json={"email": email, "password": password})


def refused(reply: httpx.Response, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


def test_a_user_registers_signs_in_and_is_known(client: httpx.Client) -> None:
    email = new_email()
    made = register(client, email.upper(), name="Alice")
    assert made.status_code == 201, made.text
    assert "password" not in made.text
    signed_in = login(client, email)
    assert signed_in.status_code == 200
    token = signed_in.json()
    assert (token["token_type"], token["expires_in"]) == ("bearer", 900)
    assert signed_in.headers["Cache-Control"] == "no-store"
    me = client.get("/auth/me", headers={"Authorization": f"Bearer {token['access_token']}"}).json()
    assert me == made.json()
    assert (me["email"], me["name"], me["roles"]) == (email, "Alice", ["user"])
    assert me["user"] == {"id": me["id"], "email": email, "name": "Alice"}


def test_the_form_that_oauth2_names_signs_in_too(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    form = {"grant_type": "password", "username": email, "password": PASSWORD, "scope": ""}
    assert client.post("/auth/login", data=form).status_code == 200
    refused(client.post("/auth/login", data={"username": email}), 422, "MALFORMED")
    refused(client.post("/auth/login", data=form | {"password": "wrong"}), 401, "BAD_CREDENTIALS")


def test_an_email_is_registered_once_in_whatever_case(client: httpx.Client) -> None:
    email = new_email()
    assert register(client, email).status_code == 201
    refused(register(client, email.upper()), 409, "EMAIL_TAKEN")


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"email": "a b@example.com"},
        {"email": 5},
        {"password": "short"},
        {"password": 12_345_678},
        {"password": "x" * 257},
        {"role": "admin"},
        {"email": None},
    ],
)
def test_a_registration_that_makes_no_sense_is_malformed(client: httpx.Client, fields: dict[str, Any]) -> None:
    reply = client.post("/auth/register", json={"email": new_email(), "password": PASSWORD} | fields)
    refused(reply, 422, "MALFORMED")
    assert PASSWORD not in reply.text


@pytest.mark.parametrize("domain", ["example.com", "shop.test", "example.org"])
def test_addresses_of_test_domains_may_register(client: httpx.Client, domain: str) -> None:
    assert register(client, f"{uuid4().hex}@{domain}").status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "session=garbage"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/auth/me", "/positions", "/account", "/fills", "/ledger", "/orders/x", "/commands/x"]
)
def test_without_a_good_credential_nothing_is_shown(client: httpx.Client, path: str, headers: dict[str, str]) -> None:
    reply = client.get(path, headers=headers)
    refused(reply, 401, "TOKEN_INVALID" if headers else "NOT_AUTHENTICATED")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_password_and_an_unknown_email_answer_alike_and_take_as_long(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)

    def timed(address: str) -> float:
        started = time.perf_counter()
        reply = login(client, address, "another password")
        refused(reply, 401, "BAD_CREDENTIALS")
        return time.perf_counter() - started

    known = statistics.median(timed(email) for _ in range(5))
    unknown = statistics.median(timed(new_email()) for _ in range(5))
    # A hash takes tens of milliseconds; without one the answer would come in a few.
    assert 0.4 < unknown / known < 2.5


def test_an_account_waits_after_ten_failed_logins_even_with_the_right_password(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    for _ in range(ACCOUNT_FAILURES_MAX):
        refused(login(client, email, "wrong password"), 401, "BAD_CREDENTIALS")
    reply = login(client, email)
    refused(reply, 429, "TOO_MANY_LOGINS")
    assert 0 < int(reply.headers["Retry-After"]) <= 301


def test_after_logout_the_token_is_worth_nothing_and_another_session_goes_on(exchange: Exchange) -> None:
    user = exchange.new_user()
    another = exchange.login(user.email)
    assert user.http.post("/auth/logout").status_code == 204
    refused(user.http.get("/auth/me"), 401, "TOKEN_INVALID")
    assert user.http.get("/auth/me", headers={"Authorization": f"Bearer {another}"}).status_code == 200


def test_the_cookie_signs_in_where_there_is_no_header(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    signed_in = login(client, email)
    attributes = signed_in.headers["Set-Cookie"].lower()
    assert attributes.startswith("session=")
    assert all(word in attributes for word in ("httponly", "samesite=lax", "path=/", "max-age=900"))
    assert client.get("/auth/me").json()["email"] == email
    assert client.post("/auth/logout").status_code == 204
    assert client.get("/auth/me").status_code == 401


def test_the_header_wins_over_the_cookie_and_two_users_are_refused(exchange: Exchange) -> None:
    one, two = exchange.new_user(), exchange.new_user()

    def me(cookie: str) -> httpx.Response:
        return one.http.get("/auth/me", headers={"Cookie": f"session={cookie}"})

    assert me(exchange.login(one.email)).json()["email"] == one.email
    assert me("garbage").json()["email"] == one.email
    refused(me(two.token), 401, "CREDENTIALS_CONFLICT")
    bad = one.http.get("/auth/me", headers={"Authorization": "Bearer garbage", "Cookie": f"session={two.token}"})
    refused(bad, 401, "TOKEN_INVALID")


def test_a_user_made_on_the_command_line_has_their_role_and_an_account_after_their_first_login(
    exchange: Exchange, client: httpx.Client
) -> None:
    email = new_email()
    add_user(exchange.settings, email, "admin", PASSWORD)
    admin = exchange.user(email)
    assert admin.get("/auth/me")["roles"] == ["admin"]
    assert admin.get("/account")["balance"] == "5000.000000"
    add_user(exchange.settings, email, "user", "another password")
    # A role is read on each request, not trusted from the token.
    assert admin.get("/auth/me")["roles"] == ["user"]
    refused(login(client, email), 401, "BAD_CREDENTIALS")
    assert login(client, email, "another password").status_code == 200


def test_a_user_with_a_bad_password_is_not_made(exchange: Exchange) -> None:
    with pytest.raises(FixableError, match="password"):
        add_user(exchange.settings, new_email(), "admin", "short")


def test_a_password_is_stored_as_argon2id_and_renewed_where_its_parameters_are_old(
    exchange: Exchange, client: httpx.Client
) -> None:
    email = new_email()
    register(client, email)
    engine = sqlalchemy.create_engine(exchange.settings.database_url)
    with engine.begin() as db:
        stored = stored_hash(db, email)
        assert stored.startswith("$argon2id$")
        # A real hash of the same password with weaker parameters.
        weaker = Passwords(time_cost=1, memory_cost=1024).hash_now(PASSWORD)
        db.execute(
            sqlalchemy.text("UPDATE auth.users SET password_hash = :hash WHERE email = :email"),
            {"hash": weaker, "email": email},
        )
    assert login(client, email).status_code == 200
    with engine.begin() as db:
        renewed = stored_hash(db, email)
    engine.dispose()
    assert renewed not in (stored, weaker)
    assert parameters(renewed) == parameters(stored)


def stored_hash(db: sqlalchemy.Connection, email: str) -> str:
    query = sqlalchemy.text("SELECT password_hash FROM auth.users WHERE email = :email")
    found: str = db.execute(query, {"email": email}).scalar_one()
    return found


def parameters(password_hash: str) -> str:
    return password_hash.split("$")[3]


def test_a_deleted_user_s_positions_are_closed_and_their_ledger_is_kept(exchange: Exchange) -> None:
    user = exchange.new_user()
    account_id = user.get("/auth/me")["account_id"]
    for side in ("long", "short"):
        user.opened(side=side)
    user.get("/positions")
    # One more is still on its way to the log when its owner goes.
    assert user.order(headers={"Prefer": "respond-async"}).status_code == 202
    left = user.http.delete("/auth/me").json()
    assert left["status"] == "closing"
    assert left["open_positions"] in (2, 3)
    refused(user.http.get("/positions"), 401, "TOKEN_INVALID")
    engine = sqlalchemy.create_engine(exchange.settings.database_url)

    def counted(text: str) -> int:
        with engine.connect() as db:
            return int(db.execute(sqlalchemy.text(text), {"account": account_id}).scalar_one())

    closed = "SELECT count(*) FROM ledger.positions WHERE account_id = :account AND status = 'closed'"
    eventually(lambda: counted(closed), lambda count: count == 3)
    lines = counted("SELECT count(*) FROM ledger.ledger_entries WHERE account_id = :account")
    engine.dispose()
    assert lines >= 3


def test_no_log_holds_a_query_or_a_secret_whichever_route_of_users_and_keys_is_taken(exchange: Exchange) -> None:
    email, name, nonce = new_email(), f"Name-{uuid4().hex}", uuid4().hex
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    secrets = [email, name, nonce, PASSWORD, "a wrong password", "in-the-query", public, public[:40]]
    hidden = {"hidden": "in-the-query"}
    with httpx.Client(base_url=f"{exchange.url}/api/v1", params=hidden, timeout=10.0) as page:

        def sent(method: str, path: str, **options: Any) -> httpx.Response:
            reply = page.request(method, path, **options)
            secrets.extend(page.cookies.values())
            if "access_token" in reply.text:
                secrets.append(reply.json()["access_token"])
            return reply

        credentials = {"email": email, "password": PASSWORD}
        sent("POST", "/auth/register", json=credentials | {"name": name})
        sent("POST", "/auth/register", json=credentials)
        sent("POST", "/auth/register", json={"email": email, "password": {"nested": PASSWORD}})
        sent("POST", "/auth/login", json={"email": email, "password": "a wrong password"})
        sent("POST", "/auth/login", data={"username": email, "password": PASSWORD})
        sent("GET", "/auth/me", headers={"Authorization": "Bearer a.wrong.token-in-the-query"})
        key = sent("POST", "/api-keys", json={"public_key": public, "scopes": ["read"], "name": name}).json()
        signature = base64.b64encode(private.sign(b"something else")).decode()
        secrets.append(signature)
        times = {"X-Timestamp": str(time.time_ns() // 1_000_000), "X-Nonce": nonce}
        with httpx.Client(base_url=page.base_url) as program:
            signed = {"X-Api-Key": key["id"], "X-Signature": signature} | times
            refused(program.get("/positions", params=hidden, headers=signed), 401, "SIGNATURE_INVALID")
        used = page.cookies["refresh"]
        for method, path in (
            *(("GET", "/api-keys"), ("GET", f"/api-keys/{key['id']}"), ("DELETE", f"/api-keys/{key['id']}")),
            *(("GET", "/auth/me"), ("POST", "/auth/refresh"), ("POST", "/auth/refresh"), ("POST", "/auth/logout")),
        ):
            assert sent(method, path).status_code < 300, path
        sent("POST", "/auth/refresh", headers={"Cookie": f"refresh={used}"})
        for method, path in (("POST", "/auth/logout-everywhere"), ("DELETE", "/auth/me")):
            sent("POST", "/auth/login", json=credentials)
            assert sent(method, path).status_code < 300, path

    logs = "".join(path.read_text() for path in exchange.folder.glob("*.log"))
    document = exchange.http.get("/openapi.json").json()["paths"]
    routes = [path for path in document if path.startswith(("/api/v1/auth", "/api/v1/api-keys"))]
    assert len(routes) >= 7
    for route in routes:
        assert f'"route": "{route}"' in logs
    for secret in secrets:
        assert secret not in logs
