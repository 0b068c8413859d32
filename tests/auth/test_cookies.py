"""The precedence of several credentials of one request, and the names of cookies over https."""

from uuid import uuid4

import jwt
import pytest

from api.app_state import AppState
from api.auth.origins import Origin
from api.compat.day_sessions import new_day_session
from api.credentials.tokens import now
from api.store import users as store
from tests.auth.conftest import PASSWORD, SECRET, Ask, Browser, refused, served, settings_of

COOKIES = ("session", "authToken", "token")


def user_of(state: AppState, email: str) -> store.User:
    login = state.database.ask_now(lambda db: store.find_login(db, (email,), email))
    assert login is not None
    return login.user


def day_token(state: AppState, email: str) -> str:
    session, token = new_day_session(state, user_of(state, email).user_id, Origin("", None, None))
    assert state.database.ask_in_transaction_now(lambda db: store.begin_session(db, session))
    return token


@pytest.mark.parametrize("name", COOKIES)
def test_each_login_cookie_authenticates(browser: Browser, name: str) -> None:
    token = browser.login()
    browser.http.cookies.clear()
    assert browser.me(Cookie=f"{name}={token}").json()["email"] == browser.email


def test_the_first_login_cookie_with_a_valid_token_authenticates(browser: Browser) -> None:
    token = browser.login()
    browser.http.cookies.clear()
    foreign = jwt.encode({"sub": "somebody"}, "the key of another program on this host")
    for names in (("session", "token"), ("session", "authToken"), ("authToken", "token")):
        reply = browser.me(Cookie=f"{names[0]}={foreign}; {names[1]}={token}")
        assert reply.json()["email"] == browser.email
    refused(browser.me(Cookie=f"session={foreign}"), 401, "TOKEN_INVALID")


def test_a_token_of_another_user_than_its_session_s_is_refused(browser: Browser, state: AppState) -> None:
    other = Browser(browser.site).register()
    theirs = state.credentials.tokens.read(other.login())
    mine = user_of(state, browser.email)
    mixed = state.credentials.tokens.issue(mine.user_id, theirs.session_id, now())
    refused(browser.me(mixed), 401, "TOKEN_INVALID")
    unknown = state.credentials.tokens.issue(mine.user_id, uuid4(), now())
    refused(browser.me(unknown), 401, "TOKEN_INVALID")


def test_two_cookies_of_different_users_are_refused_and_a_new_login_removes_the_older_cookie(browser: Browser) -> None:
    other = Browser(browser.site).register()
    theirs = other.login()
    browser.http.cookies.clear()
    mine = browser.login()
    browser.http.cookies.clear()
    refused(browser.me(Cookie=f"session={mine}; token={theirs}"), 401, "CREDENTIALS_CONFLICT")
    refused(browser.me(mine, Cookie=f"authToken={theirs}"), 401, "CREDENTIALS_CONFLICT")
    browser.http.cookies.set("token", theirs, domain="127.0.0.1", path="/")
    browser.login()
    assert browser.http.cookies.get("token") is None
    assert browser.me().json()["email"] == browser.email


def test_a_cookie_of_an_ended_session_is_passed_over_for_a_cookie_of_a_live_session(browser: Browser) -> None:
    ended = browser.login()
    browser.post("/auth/logout")
    token = browser.login()
    browser.http.cookies.clear()
    assert browser.me(Cookie=f"session={ended}; token={token}").status_code == 200


def test_over_https_the_cookies_are_bound_to_the_host_and_secure(browser: Browser) -> None:
    secure = {"X-Forwarded-Proto": "https"}  # as a proxy on this host that ends TLS says it
    reply = browser.post("/auth/login", json={"email": browser.email, "password": PASSWORD}, headers=secure)
    session, refresh, device = reply.headers.get_list("set-cookie")
    assert session.startswith("__Host-session=")
    assert refresh.startswith("__Secure-refresh=")
    assert device.startswith("__Host-device=")
    for cookie in (session, refresh, device):
        assert "; secure" in cookie.lower()
    assert "domain=" not in session.lower()
    assert "path=/;" in session.lower()
    browser.http.cookies.clear()
    sent = secure | {"Cookie": f"{session.partition(';')[0]}; {refresh.partition(';')[0]}"}
    assert browser.get("/auth/me", headers=sent).json()["email"] == browser.email
    assert browser.post("/auth/refresh", headers=sent).status_code == 200
    ended = browser.post("/auth/logout", headers=sent)
    assert ended.status_code == 204
    taken_back = [cookie for cookie in ended.headers.get_list("set-cookie") if "max-age=0" in cookie.lower()]
    assert {cookie.partition("=")[0] for cookie in taken_back} >= {"__Host-session", "__Secure-refresh"}


def test_a_seed_s_login_is_good_for_a_day_and_ends_by_logout(browser: Browser, state: AppState) -> None:
    token = day_token(state, browser.email)
    said = jwt.decode(token, SECRET, algorithms=["HS256"], audience="reprise-api")
    assert said["exp"] - said["iat"] == 24 * 3600
    assert browser.me(Cookie=f"token={token}").status_code == 200
    assert browser.post("/auth/logout", headers={"Cookie": f"authToken={token}"}).status_code == 204
    refused(browser.me(Cookie=f"token={token}"), 401, "TOKEN_INVALID")


def test_in_production_seed_cookies_are_ignored_and_not_set(browser: Browser, auth_database: str) -> None:
    token = browser.login()
    with served(settings_of(auth_database, profile="production")) as (production, site):
        page = Browser(site)
        for name in ("authToken", "token"):
            refused(page.me(Cookie=f"{name}={token}"), 401, "NOT_AUTHENTICATED")
        assert page.me(Cookie=f"session={token}").status_code == 200
        with pytest.raises(AssertionError, match="demo profile only"):
            day_token(production, browser.email)


def test_a_user_s_role_is_read_on_each_request_and_admin_routes_refuse_other_roles(browser: Browser, sql: Ask) -> None:
    token = browser.login()
    refused(browser.get("/admin/rules"), 403, "FORBIDDEN")
    sql("UPDATE auth.users SET role = 'admin' WHERE email = :email", email=browser.email)
    assert browser.me(token).json()["roles"] == ["admin"]
    assert browser.get("/admin/rules").status_code != 403
    sql("UPDATE auth.users SET role = 'user' WHERE email = :email", email=browser.email)
    refused(browser.get("/admin/rules"), 403, "FORBIDDEN")
