"""A user sees where they are signed in, as far as that is kept, and ends what they do not know."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.auth.origins import device_of, network_of
from api.users.own_sessions import SHOWN_MAX
from tests.auth.conftest import PASSWORD, Ask, Browser, refused

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
EDGE = f"{CHROME} Edg/142.0.0.0"
ANDROID = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Mobile/15E148 Safari/604.1"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Safari/605.1.15"
)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (EDGE, "Edge on Windows"),
        (ANDROID, "Chrome on Android"),
        (IPHONE, "Safari on iOS"),
        (MAC, "Safari on macOS"),
        ("Firefox/1", "Firefox"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("curl/8.5.0 and more", "curl/8.5.0"),
        ("x" * 500, "x" * 60),
        ("<script>alert(1)</script>", None),
        ("", None),
        (None, None),
    ],
)
def test_a_session_s_device_is_the_browser_and_the_system_or_the_first_product(
    user_agent: str | None, device: str | None
) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:5678::9", "2001:db8:1234::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", None),
        ("", None),
    ],
)
def test_of_a_session_s_address_only_the_network_is_kept(address: str, network: str | None) -> None:
    assert network_of(address) == network


def sessions(browser: Browser, token: str) -> list[dict[str, Any]]:
    reply = browser.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200, reply.text
    listed: list[dict[str, Any]] = reply.json()["items"]
    assert reply.json()["total"] == len(listed)
    return listed


def sign_in(browser: Browser, user_agent: str) -> str:
    """Sign in from another device, which has a jar of its own."""
    with httpx.Client(base_url=browser.site.url, headers={"User-Agent": user_agent}) as device:
        reply = device.post("/api/v1/auth/login", json={"email": browser.email, "password": PASSWORD})
        token: str = reply.json()["access_token"]
        return token


def end(browser: Browser, token: str, session_id: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return browser.http.delete(f"/api/v1/auth/sessions/{session_id}", headers=headers)


def test_the_sessions_of_a_user_are_listed_with_device_network_and_times_the_current_one_first(
    browser: Browser,
) -> None:
    phone, desk = sign_in(browser, ANDROID), sign_in(browser, FIREFOX)
    for token, devices in (
        (phone, ["Chrome on Android", "Firefox on Linux"]),
        (desk, ["Firefox on Linux", "Chrome on Android"]),
    ):
        listed = sessions(browser, token)
        assert [each["device"] for each in listed] == devices
        assert [each["current"] for each in listed] == [True, False]
    assert {each["network"] for each in listed} == {"127.0.0.0/24"}
    assert all(each["created_at"] <= each["last_seen_at"] < each["expires_at"] for each in listed)
    other = Browser(browser.site).register()
    assert len(sessions(other, other.login())) == 1


def test_a_session_is_seen_when_it_renews_its_token(browser: Browser, sql: Ask) -> None:
    token = browser.login()
    [before] = sessions(browser, token)
    sql(
        "UPDATE auth.refresh_tokens SET created_at = created_at - :by WHERE session_id = :session",
        by=timedelta(hours=1),
        session=before["id"],
    )
    [never] = sessions(browser, token)
    assert never["last_seen_at"] == never["created_at"]
    browser.post("/auth/refresh")
    [after] = sessions(browser, token)
    assert after["last_seen_at"] > before["last_seen_at"]


def test_a_session_that_a_user_ends_is_over_at_once_and_the_others_go_on(browser: Browser) -> None:
    phone, desk = sign_in(browser, ANDROID), sign_in(browser, FIREFOX)
    [_, other] = sessions(browser, desk)
    assert end(browser, desk, other["id"]).status_code == 204
    refused(browser.me(phone), 401, "TOKEN_INVALID")
    assert browser.me(desk).status_code == 200
    refused(end(browser, desk, other["id"]), 404, "NOT_FOUND")
    assert [each["device"] for each in sessions(browser, desk)] == ["Firefox on Linux"]


def test_a_user_who_ends_the_current_session_is_logged_out(browser: Browser) -> None:
    browser.login()
    [current] = browser.get("/auth/sessions").json()["items"]
    assert browser.http.delete(f"/api/v1/auth/sessions/{current['id']}").status_code == 204
    assert list(browser.http.cookies) == []
    refused(browser.me(), 401, "NOT_AUTHENTICATED")


def test_a_session_of_somebody_else_is_not_ended(browser: Browser) -> None:
    other = Browser(browser.site).register()
    theirs = other.login()
    [session] = sessions(other, theirs)
    own = browser.login()
    for wanted in (session["id"], str(uuid4()), "0-1"):
        refused(end(browser, own, wanted), 404, "NOT_FOUND")
    assert other.me(theirs).status_code == 200


def test_a_session_is_not_ended_by_a_page_of_another_site(browser: Browser) -> None:
    browser.login()
    [current] = browser.get("/auth/sessions").json()["items"]
    foreign = browser.http.delete(f"/api/v1/auth/sessions/{current['id']}", headers={"Sec-Fetch-Site": "cross-site"})
    refused(foreign, 403, "CROSS_SITE_REQUEST")
    assert browser.me().status_code == 200


def test_of_very_many_sessions_a_hundred_are_listed_and_all_are_counted(browser: Browser, sql: Ask) -> None:
    token = browser.login()
    sql(
        "INSERT INTO auth.sessions (session_id, user_id, created_at, expires_at) SELECT gen_random_uuid(), user_id, "
        "now() + interval '1 second' * number, now() + interval '1 day' FROM auth.users, generate_series(1, :many) "
        "AS number WHERE email = :email",
        many=SHOWN_MAX + 5,
        email=browser.email,
    )
    reply = browser.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"}).json()
    assert (len(reply["items"]), reply["total"]) == (SHOWN_MAX, SHOWN_MAX + 6)
    assert reply["items"][0]["current"]
    begun = [each["created_at"] for each in reply["items"][1:]]
    assert begun == sorted(begun, reverse=True)


def test_a_session_that_is_over_is_not_listed(browser: Browser, sql: Ask) -> None:
    old, token = sign_in(browser, ANDROID), sign_in(browser, FIREFOX)
    [_, other] = sessions(browser, token)
    sql("UPDATE auth.sessions SET expires_at = now() WHERE session_id = :session", session=other["id"])
    assert len(sessions(browser, token)) == 1
    refused(browser.me(old), 401, "TOKEN_INVALID")
    refused(end(browser, token, other["id"]), 404, "NOT_FOUND")
