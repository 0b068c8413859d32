"""Authentication: registration, login in both forms, tokens, cookies, cross-site requests, logout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy

from api.credentials.passwords import Passwords
from api.credentials.throttle import ACCOUNT_FAILURES_MAX
from api.users.administration import add_user
from runtime.errors import FixableError
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange, service
from tests.api.secrets_driven import Driven
from tests.processes import eventually


@pytest.fixture
def client(exchange: Exchange) -> Iterator[httpx.Client]:
    """A client without credentials."""
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


def test_a_registered_user_logs_in_and_sees_their_profile(client: httpx.Client) -> None:
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


def test_an_oauth2_password_form_logs_in_too(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    form = {"grant_type": "password", "username": email, "password": PASSWORD, "scope": ""}
    assert client.post("/auth/login", data=form).status_code == 200
    refused(client.post("/auth/login", data={"username": email}), 422, "MALFORMED")
    refused(client.post("/auth/login", data=form | {"password": "wrong"}), 401, "BAD_CREDENTIALS")


def test_an_email_is_registered_once_regardless_of_case(client: httpx.Client) -> None:
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
def test_a_registration_with_an_impossible_field_is_malformed(client: httpx.Client, fields: dict[str, Any]) -> None:
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
def test_a_private_route_refuses_a_request_without_a_valid_credential(
    client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    reply = client.get(path, headers=headers)
    refused(reply, 401, "TOKEN_INVALID" if headers else "NOT_AUTHENTICATED")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_is_refused_after_ten_failures_even_with_the_right_password(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    for _ in range(ACCOUNT_FAILURES_MAX):
        refused(login(client, email, "wrong password"), 401, "BAD_CREDENTIALS")
    reply = login(client, email)
    refused(reply, 429, "TOO_MANY_LOGINS")
    assert 0 < int(reply.headers["Retry-After"]) <= 301


def test_a_logged_out_session_s_token_is_refused_and_other_sessions_of_the_user_go_on(exchange: Exchange) -> None:
    user = exchange.new_user()
    another = exchange.login(user.email)
    assert user.http.post("/auth/logout").status_code == 204
    refused(user.http.get("/auth/me"), 401, "TOKEN_INVALID")
    assert user.http.get("/auth/me", headers={"Authorization": f"Bearer {another}"}).status_code == 200


def test_the_session_cookie_authenticates_a_request_without_a_header(client: httpx.Client) -> None:
    email = new_email()
    register(client, email)
    signed_in = login(client, email)
    attributes = signed_in.headers["Set-Cookie"].lower()
    assert attributes.startswith("session=")
    assert all(word in attributes for word in ("httponly", "samesite=lax", "path=/", "max-age=900"))
    assert client.get("/auth/me").json()["email"] == email
    assert client.post("/auth/logout").status_code == 204
    assert client.get("/auth/me").status_code == 401


def test_the_header_takes_precedence_over_the_cookie_and_two_different_users_are_refused(exchange: Exchange) -> None:
    one, two = exchange.new_user(), exchange.new_user()

    def me(cookie: str) -> httpx.Response:
        return one.http.get("/auth/me", headers={"Cookie": f"session={cookie}"})

    assert me(exchange.login(one.email)).json()["email"] == one.email
    assert me("garbage").json()["email"] == one.email
    refused(me(two.token), 401, "CREDENTIALS_CONFLICT")
    bad = one.http.get("/auth/me", headers={"Authorization": "Bearer garbage", "Cookie": f"session={two.token}"})
    refused(bad, 401, "TOKEN_INVALID")


def test_a_user_added_on_the_command_line_has_a_role_and_after_the_first_login_an_account(
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


def test_a_password_is_stored_as_argon2id_and_rehashed_where_the_hash_has_old_parameters(
    exchange: Exchange, client: httpx.Client
) -> None:
    email = new_email()
    register(client, email)
    engine = sqlalchemy.create_engine(exchange.settings.database_url)
    with engine.begin() as db:
        stored = stored_hash(db, email)
        assert stored.startswith("$argon2id$")
        # A real hash of the same password with weaker parameters.
        weaker = Passwords(time_cost=1, memory_cost=512).hash_now(PASSWORD)
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


def test_no_log_line_holds_a_query_or_a_secret_at_any_route_or_level(exchange: Exchange, tmp_path: Path) -> None:
    settings = exchange.settings.model_copy(
        update={"port": free_ports(1)[0], "log_level": "DEBUG", "encryption_key": uuid4().hex}
    )
    with service("api", settings, tmp_path) as api:
        loud = Exchange(settings, tmp_path)
        loud.until_ready(api)
        driven = Driven(loud.url)
        for drive in (driven.users_and_keys, driven.sockets, driven.seeds_and_venue):
            drive()
        document = loud.http.get("/openapi.json").json()["paths"]
        driven.close()
        loud.close()

    logs = "".join(path.read_text() for folder in (exchange.folder, tmp_path) for path in folder.glob("*.log"))
    # Requests and their status are logged, so that a missing text was left out on purpose.
    routes = [path for path in document if path.startswith(("/api/v1/auth", "/api/v1/api-keys", "/api/v1/venue-keys"))]
    assert len(routes) >= 8
    for route in routes:
        assert f'"route": "{route}"' in logs
    for secret in (*driven.secrets, settings.jwt_secret, settings.encryption_key):
        assert secret
        assert secret not in logs, [line for line in logs.splitlines() if secret in line][:3]
