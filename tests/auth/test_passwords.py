"""A password is changed by who knows the one before, and whoever else was signed in is so no longer."""

import asyncio
import statistics
import time
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.app_state import AppState
from api.auth.origins import Origin
from api.credentials.passwords import Passwords
from api.credentials.throttle import ACCOUNT_FAILURES_MAX
from api.http.problems import ApiError
from api.store import users as store
from api.users import service
from api.users.schemas import LoginRequest
from tests.auth.conftest import PASSWORD, Ask, Browser, Site, refused, served, settings_of

NEW = "staple of another horse"


def change(browser: Browser, password: str = PASSWORD, new: str = NEW, **options: Any) -> httpx.Response:
    return browser.post("/auth/password", json={"password": password, "new_password": new}, **options)


def sign_in(browser: Browser, password: str) -> httpx.Response:
    credentials = {"email": browser.email, "password": password}
    return httpx.post(f"{browser.site.url}/api/v1/auth/login", json=credentials)


def acts(sql: Ask, browser: Browser) -> list[tuple[str, str | None]]:
    """What the journal says of a user, the oldest first."""
    rows = sql(
        "SELECT act, detail FROM auth.journal JOIN auth.users USING (user_id) WHERE email = :email ORDER BY number",
        email=browser.email,
    )
    return [tuple(row) for row in rows]


def test_a_changed_password_is_the_only_one_that_signs_in(browser: Browser, sql: Ask) -> None:
    browser.login()
    assert change(browser).status_code == 204
    refused(sign_in(browser, PASSWORD), 401, "BAD_CREDENTIALS")
    assert sign_in(browser, NEW).status_code == 200
    assert acts(sql, browser) == [
        ("signed_in", "password"),
        ("password_changed", None),
        ("sign_in_refused", "password"),
        ("signed_in", "password"),
    ]


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer_in_the_same_time(auth_database: str) -> None:
    with served(settings_of(auth_database), Passwords()) as (_, site):
        known, unknown = Browser(site).register(), Browser(site)

        def timed(browser: Browser) -> float:
            started = time.perf_counter()
            refused(sign_in(browser, "another password"), 401, "BAD_CREDENTIALS")
            return time.perf_counter() - started

        took, took_unknown = (statistics.median(timed(browser) for _ in range(5)) for browser in (known, unknown))
    # A hash takes tens of milliseconds; without one the answer would come in a few.
    assert 0.4 < took_unknown / took < 2.5


def test_every_other_session_ends_with_the_old_password_and_its_own_goes_on(browser: Browser) -> None:
    other = Browser(browser.site).register()
    others = other.login()
    phone = sign_in(browser, PASSWORD)
    browser.login()
    assert change(browser).status_code == 204
    device = Browser(browser.site)
    refused(device.me(phone.json()["access_token"]), 401, "TOKEN_INVALID")
    renewing = {"Cookie": f"refresh={phone.cookies['refresh']}"}
    refused(device.post("/auth/refresh", headers=renewing), 401, "TOKEN_INVALID")
    assert browser.me().status_code == 200
    assert browser.post("/auth/refresh").status_code == 200
    assert other.me(others).status_code == 200


def test_a_wrong_password_changes_nothing_and_is_noted(browser: Browser, sql: Ask) -> None:
    browser.login()
    refused(change(browser, "wrong"), 403, "PASSWORD_WRONG")
    assert browser.me().status_code == 200
    assert sign_in(browser, PASSWORD).status_code == 200
    assert acts(sql, browser)[1] == ("sign_in_refused", "change of password")


def test_wrong_passwords_are_throttled_together_with_failed_logins(browser: Browser) -> None:
    browser.login()
    for number in range(ACCOUNT_FAILURES_MAX):
        reply = change(browser, "wrong") if number % 2 else sign_in(browser, "wrong")
        assert reply.status_code == (403 if number % 2 else 401)
    reply = change(browser)
    refused(reply, 429, "TOO_MANY_LOGINS")
    assert int(reply.headers["Retry-After"]) > 0
    refused(sign_in(browser, PASSWORD), 429, "TOO_MANY_LOGINS")


@pytest.mark.parametrize("new", ["short", "x" * 257, PASSWORD])
def test_a_new_password_is_long_enough_and_another_one(browser: Browser, new: str) -> None:
    browser.login()
    reply = change(browser, new=new)
    refused(reply, 422, "MALFORMED")
    assert reply.json()["errors"][0]["pointer"] == "/new_password"


def test_a_password_is_not_changed_by_a_page_of_another_site_nor_by_nobody(browser: Browser) -> None:
    browser.login()
    refused(change(browser, headers={"Sec-Fetch-Site": "cross-site"}), 403, "CROSS_SITE_REQUEST")
    refused(change(Browser(browser.site)), 401, "NOT_AUTHENTICATED")
    assert sign_in(browser, PASSWORD).status_code == 200


def test_the_passwords_of_a_change_are_in_no_reply_and_in_no_table(browser: Browser, sql: Ask) -> None:
    browser.login()
    for reply in (change(browser, "a wrong secret"), change(browser)):
        assert PASSWORD not in reply.text
        assert NEW not in reply.text
    tables = [table for (table,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'auth'")]
    rows = str([sql(f"SELECT t::text FROM auth.{table} t") for table in tables])  # noqa: S608  # Names of our own.
    for left in (PASSWORD, NEW, "a wrong secret"):
        assert left not in rows


def test_a_login_that_compared_the_old_password_a_moment_before_the_change_begins_no_session(
    browser: Browser, state: AppState, site: Site, sql: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is compared, then changed by another, then the session is to begin."""
    browser.login()
    begin, checked = service.begin, asyncio.Event()
    replies: list[httpx.Response] = []

    async def late(*arguments: Any) -> None:
        if not checked.is_set():
            checked.set()
            replies.append(await asyncio.to_thread(change, browser))
        await begin(*arguments)

    monkeypatch.setattr(service, "begin", late)
    refused(sign_in(browser, PASSWORD), 401, "BAD_CREDENTIALS")
    assert [reply.status_code for reply in replies] == [204]
    [(going_on,)] = sql(
        "SELECT count(*) FROM auth.sessions JOIN auth.users USING (user_id) WHERE email = :email AND ended_at IS NULL",
        email=browser.email,
    )
    assert going_on == 1


def test_a_login_that_renews_a_hash_of_old_parameters_does_not_bring_back_a_changed_password(
    browser: Browser, state: AppState, site: Site, sql: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password is compared under old parameters, then changed, and its renewed hash comes too late."""
    browser.login()
    old = Passwords(time_cost=2, memory_cost=1024).hash_now(PASSWORD)
    sql("UPDATE auth.users SET password_hash = :hash WHERE email = :email", hash=old, email=browser.email)
    change_hash = store.change_hash
    changed: list[bool] = []

    def late(db: Any, user_id: UUID, before: str, after: str) -> bool:
        if not changed:
            changed.append(True)
            assert change(browser).status_code == 204
        return change_hash(db, user_id, before, after)

    monkeypatch.setattr(store, "change_hash", late)
    login = LoginRequest(email=browser.email, password=PASSWORD)
    opener: Any = None
    with pytest.raises(ApiError, match="BAD_CREDENTIALS"):
        site.run(service.check_login(opener, state.database, state.credentials, login, Origin("192.0.2.1", None, None)))
    assert sign_in(browser, NEW).status_code == 200


def test_of_two_password_changes_at_once_one_is_made(
    browser: Browser, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.login()
    change_hash = store.change_hash
    changed: list[bool] = []

    def late(db: Any, user_id: UUID, before: str, after: str) -> bool:
        if not changed:
            changed.append(True)
            assert change(browser, new="the one that was first").status_code == 204
        return change_hash(db, user_id, before, after)

    monkeypatch.setattr(store, "change_hash", late)
    refused(change(browser), 403, "PASSWORD_WRONG")
    assert sign_in(browser, "the one that was first").status_code == 200
