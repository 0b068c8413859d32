"""A deleted user leaves an account in the ledger, and no data that says whose it was."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from api.app_state import AppState
from api.venue.leaving import left_venue
from tests.auth.conftest import PASSWORD, Ask, Browser, Site, refused
from tests.auth.signing import headers_of
from tests.auth.test_api_keys import anonymous, made


def delete(browser: Browser, token: str, **headers: str) -> httpx.Response:
    return browser.http.delete("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"} | headers)


def test_a_deleted_user_is_gone_from_the_database_and_every_credential_is_refused(browser: Browser, sql: Ask) -> None:
    name = "Adelheid Unverwechselbar"
    browser.http.post("/api/v1/auth/register", json={"email": f"x{browser.email}", "password": PASSWORD, "name": name})
    browser.email = f"x{browser.email}"
    elsewhere = browser.login()
    refresh_token = browser.http.cookies["refresh"]
    token = browser.login()
    me = browser.me(token).json()
    browser.http.headers["Authorization"] = f"Bearer {token}"
    key = made(browser, "read", name=f"key of {name}")
    sql("INSERT INTO auth.venue_keys VALUES (:user, :user, 'sealed')", user=me["id"])
    del browser.http.headers["Authorization"]

    reply = delete(browser, token)
    assert (reply.status_code, reply.json()) == (202, {"status": "closing", "open_positions": 0})
    assert list(browser.http.cookies) == []

    for one in (token, elsewhere):
        refused(browser.me(one), 401, "TOKEN_INVALID")
    refused(browser.post("/auth/refresh", headers={"Cookie": f"refresh={refresh_token}"}), 401, "TOKEN_INVALID")
    signed = headers_of(key, "GET", "/positions")
    refused(anonymous(browser).get("/positions", headers=signed), 401, "SIGNATURE_INVALID")
    credentials = {"email": browser.email, "password": PASSWORD}
    refused(browser.post("/auth/login", json=credentials), 401, "BAD_CREDENTIALS")
    refused(browser.post("/auth/login", json=credentials | {"email": f"deleted:{me['id']}"}), 401, "BAD_CREDENTIALS")
    tables = [table for (table,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'auth'")]
    assert {"users", "sessions", "refresh_tokens", "api_keys", "venue_keys"} <= set(tables)
    rows = str([sql(f"SELECT t::text FROM auth.{table} t") for table in tables])  # noqa: S608  # Names of our own.
    for left in (browser.email, name, key.id):
        assert left not in rows
    [(account_id, role, deleted)] = sql(
        "SELECT account_id, role, deleted_at IS NOT NULL FROM auth.users WHERE user_id = :user", user=me["id"]
    )
    assert (account_id, role, deleted) == (me["account_id"], "user", True)
    assert sql("SELECT 1 FROM auth.venue_keys WHERE user_id = :user", user=me["id"]) == []


@pytest.mark.parametrize(("status", "is_late"), [("cancelled", False), ("abandoned", False), ("accepted", True)])
def test_venue_keys_of_a_deleted_user_stay_while_a_venue_order_is_open_and_at_most_a_day(
    status: str, is_late: bool, browser: Browser, state: AppState, site: Site, sql: Ask
) -> None:
    token = browser.login()
    me = browser.me(token).json()
    sql("INSERT INTO auth.venue_keys VALUES (:user, :user, 'sealed')", user=me["id"])
    sql(
        "INSERT INTO ledger.venue_orders (account_id, order_id, status, symbol, side, type, quantity,"
        " executed_quantity, executed_quote, created_at, updated_at)"
        " VALUES (:a, :a, 'accepted', 'BTCUSDT', 'buy', 'LIMIT', 1, 0, 0, 1, 1)",
        a=me["account_id"],
    )
    keys = "SELECT 1 FROM auth.venue_keys WHERE user_id = :user"
    assert delete(browser, token).status_code == 202
    assert len(sql(keys, user=me["id"])) == 1
    sql("UPDATE ledger.venue_orders SET status = :status WHERE account_id = :a", status=status, a=me["account_id"])
    assert site.run(left_venue(state.database, state.venue, UUID(me["id"]), me["account_id"], {}, is_late=is_late))
    assert sql(keys, user=me["id"]) == []


def test_the_email_of_a_deleted_user_may_register_again_and_gets_another_account(browser: Browser) -> None:
    token = browser.login()
    before = browser.me(token).json()
    delete(browser, token)
    browser.register()
    after = browser.me(browser.login()).json()
    assert after["email"] == before["email"]
    assert after["id"] != before["id"]
    assert after["account_id"] != before["account_id"]


def test_only_a_recent_login_deletes_a_user_and_a_refresh_does_not_renew_the_login(browser: Browser, sql: Ask) -> None:
    token = browser.login()
    user = browser.me(token).json()["id"]
    sql(
        "UPDATE auth.sessions SET created_at = created_at - :by WHERE user_id = :user", by=timedelta(hours=1), user=user
    )
    refreshed = browser.post("/auth/refresh").json()["access_token"]
    for one in (token, refreshed):
        refused(delete(browser, one), 403, "LOGIN_TOO_OLD")
    assert delete(browser, browser.login()).status_code == 202


def test_a_cross_site_deletion_of_a_user_is_refused(browser: Browser) -> None:
    browser.login()
    reply = browser.http.delete("/api/v1/auth/me", headers={"Sec-Fetch-Site": "cross-site"})
    refused(reply, 403, "CROSS_SITE_REQUEST")
    assert browser.me().status_code == 200
