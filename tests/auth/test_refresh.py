"""Refresh tokens are used once, end the session when reused, and are refused after logout."""

import threading
from datetime import timedelta

import httpx
import pytest

from api.credentials.tokens import Tokens, refresh_hash
from api.users.service import GRACE, SESSION_MAX
from tests.auth.conftest import Ask, Browser, refused

REFRESH_PATH = "/api/v1/auth"


def refresh(browser: Browser, token: str | None = None) -> httpx.Response:
    """Refresh with the jar's cookie, or with this one."""
    if token is not None:
        put(browser, token)
    return browser.post("/auth/refresh")


def put(browser: Browser, token: str) -> None:
    browser.http.cookies.delete("refresh", domain="127.0.0.1", path=REFRESH_PATH) if jar(browser) else None
    browser.http.cookies.set("refresh", token, domain="127.0.0.1", path=REFRESH_PATH)


def jar(browser: Browser) -> str:
    """The refresh token the browser holds; empty where it holds none."""
    return browser.http.cookies.get("refresh") or ""


def age(sql: Ask, token: str, by: timedelta) -> None:
    """Let a token's use be so long ago."""
    sql(
        "UPDATE auth.refresh_tokens SET used_at = used_at - :by WHERE token_hash = :hash",
        by=by,
        hash=refresh_hash(token),
    )


def test_a_refresh_gives_a_new_access_token_and_the_next_refresh_token(browser: Browser) -> None:
    first_access = browser.login()
    first = jar(browser)
    reply = refresh(browser)
    assert reply.status_code == 200, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    access = reply.json()["access_token"]
    assert access != first_access
    assert jar(browser) not in ("", first)
    assert browser.me(access).json()["email"] == browser.email
    assert refresh(browser).status_code == 200


def test_the_refresh_cookie_is_http_only_and_sent_to_the_auth_routes_only(browser: Browser) -> None:
    reply = browser.post("/auth/login", json={"email": browser.email, "password": "correct horse battery"})
    [cookie] = [value for value in reply.headers.get_list("set-cookie") if value.startswith("refresh=")]
    for attribute in ("httponly", "samesite=strict", "path=/api/v1/auth", "max-age=1209600"):
        assert attribute in cookie.lower()
    assert jar(browser) not in reply.text


def test_only_a_hash_of_a_refresh_token_is_stored(browser: Browser, sql: Ask) -> None:
    browser.login()
    rows = sql("SELECT token_hash FROM auth.refresh_tokens WHERE token_hash = :hash", hash=refresh_hash(jar(browser)))
    assert len(rows) == 1
    everything = sql("SELECT t::text FROM auth.refresh_tokens t")
    assert jar(browser).encode().hex() not in str(everything)
    assert jar(browser) not in str(everything)


def test_a_reused_refresh_token_ends_the_session(browser: Browser, sql: Ask) -> None:
    browser.login()
    stolen = jar(browser)
    access = refresh(browser).json()["access_token"]
    newest = jar(browser)
    age(sql, stolen, GRACE)
    replayed = refresh(browser, stolen)
    refused(replayed, 401, "TOKEN_INVALID")
    assert jar(browser) == "", "the cookie is taken back"
    refused(refresh(browser, newest), 401, "TOKEN_INVALID")
    browser.http.cookies.clear()
    refused(browser.me(access), 401, "TOKEN_INVALID")


def test_a_reused_refresh_token_leaves_other_sessions_of_the_user_alive(browser: Browser, sql: Ask) -> None:
    elsewhere = browser.login()
    browser.login()
    stolen = jar(browser)
    refresh(browser)
    age(sql, stolen, GRACE)
    refused(refresh(browser, stolen), 401, "TOKEN_INVALID")
    assert browser.me(elsewhere).status_code == 200


def test_a_refresh_token_of_two_refreshes_ago_ends_the_session_even_within_the_grace_period(browser: Browser) -> None:
    browser.login()
    stolen = jar(browser)
    refresh(browser)
    refresh(browser)
    refused(refresh(browser, stolen), 401, "TOKEN_INVALID")


def test_two_tabs_that_refresh_at_once_get_the_same_refresh_token(browser: Browser) -> None:
    browser.login()
    token = jar(browser)
    browser.http.cookies.clear()
    replies: list[httpx.Response] = []

    def tab() -> None:
        replies.append(browser.post("/auth/refresh", headers={"Cookie": f"refresh={token}"}))

    tabs = [threading.Thread(target=tab) for _ in range(4)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert [reply.status_code for reply in replies] == [200] * 4
    assert len({reply.cookies["refresh"] for reply in replies}) == 1
    assert all(browser.me(reply.json()["access_token"]).status_code == 200 for reply in replies)
    assert refresh(browser, replies[0].cookies["refresh"]).status_code == 200


@pytest.mark.parametrize("token", ["garbage", "x" * 200, "%00", "é".encode().decode("latin-1")])
def test_an_unknown_refresh_token_is_refused_and_ends_no_session(browser: Browser, token: str) -> None:
    access = browser.login()
    browser.http.cookies.clear()
    reply = browser.post("/auth/refresh", headers={b"Cookie": f"refresh={token}".encode("latin-1")})
    refused(reply, 401, "TOKEN_INVALID")
    assert browser.me(access).status_code == 200


def test_a_refresh_without_the_cookie_or_with_an_access_token_is_refused(browser: Browser) -> None:
    access = browser.login()
    browser.http.cookies.clear()
    refused(browser.post("/auth/refresh"), 401, "NOT_AUTHENTICATED")
    refused(refresh(browser, access), 401, "TOKEN_INVALID")


def test_a_cross_site_refresh_is_refused(browser: Browser) -> None:
    browser.login()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        refused(browser.post("/auth/refresh", headers=headers), 403, "CROSS_SITE_REQUEST")
    assert (
        browser.post("/auth/refresh", headers={"Sec-Fetch-Site": "same-origin", "Origin": browser.site.url}).status_code
        == 200
    )


def test_a_refresh_token_expires_after_fourteen_days_and_a_session_after_ninety(browser: Browser, sql: Ask) -> None:
    browser.login()
    sql("UPDATE auth.refresh_tokens SET expires_at = now() WHERE token_hash = :hash", hash=refresh_hash(jar(browser)))
    refused(refresh(browser), 401, "TOKEN_INVALID")
    browser.login()
    session = session_of(sql, jar(browser))
    day_89 = SESSION_MAX - timedelta(days=1)
    sql("UPDATE auth.sessions SET created_at = now() - :age WHERE session_id = :session", age=day_89, session=session)
    assert refresh(browser).status_code == 200
    [(left,)] = sql("SELECT expires_at - now() FROM auth.sessions WHERE session_id = :session", session=session)
    assert left < timedelta(days=1)


def session_of(sql: Ask, token: str) -> object:
    [(session,)] = sql("SELECT session_id FROM auth.refresh_tokens WHERE token_hash = :hash", hash=refresh_hash(token))
    return session


def test_the_refresh_token_of_a_logged_out_session_is_refused(browser: Browser) -> None:
    browser.login()
    token = jar(browser)
    assert browser.post("/auth/logout").status_code == 204
    assert list(browser.http.cookies) == ["device"]
    refused(refresh(browser, token), 401, "TOKEN_INVALID")


def test_a_session_with_an_expired_access_token_can_be_logged_out_by_the_refresh_cookie(browser: Browser) -> None:
    browser.login()
    token = jar(browser)
    browser.http.cookies.delete("session", domain="127.0.0.1", path="/")
    cross_site = browser.post("/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
    refused(cross_site, 403, "CROSS_SITE_REQUEST")
    assert browser.post("/auth/logout").status_code == 204
    refused(refresh(browser, token), 401, "TOKEN_INVALID")
    refused(browser.post("/auth/logout"), 401, "NOT_AUTHENTICATED")


def test_logout_everywhere_ends_every_session_of_its_user_alone(browser: Browser) -> None:
    other = Browser(browser.site).register()
    others = other.login()
    phone = browser.login()
    phones = jar(browser)
    desk = browser.login()
    assert browser.post("/auth/logout-everywhere").status_code == 204
    refused(refresh(browser, phones), 401, "TOKEN_INVALID")
    browser.http.cookies.clear()
    for token in (phone, desk):
        refused(browser.me(token), 401, "TOKEN_INVALID")
    assert browser.me(others).json()["email"] == other.email


def test_the_next_refresh_token_depends_on_the_secret_and_the_token_alone() -> None:
    one, same, another = Tokens("a" * 32), Tokens("a" * 32, "b" * 32), Tokens("b" * 32)
    assert one.following("token") == same.following("token")
    assert one.following("token") != another.following("token")
    assert one.following("token") != one.following("another")
