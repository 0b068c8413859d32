"""Only our own pages and those of the settings may make a browser use its cookie."""

import httpx
import pytest

from tests.auth.conftest import PASSWORD, Browser, refused

CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:3000"},
]


def deposit(browser: Browser, headers: dict[str, str]) -> httpx.Response:
    """Something with an effect; it gets as far as the log, which is not there."""
    return browser.post("/demo/deposit", json={"amount": "1"}, headers=headers)


@pytest.mark.parametrize("cookie", ["session", "authToken", "token"])
@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_a_cross_site_request_with_a_cookie_is_refused(browser: Browser, headers: dict[str, str], cookie: str) -> None:
    token = browser.login()
    browser.http.cookies.clear()
    signed_in = {"Cookie": f"{cookie}={token}"}
    refused(deposit(browser, headers | signed_in), 403, "CROSS_SITE_REQUEST")
    assert browser.get("/account", headers=headers | signed_in).status_code != 403
    # A header is nothing a browser adds by itself.
    refused(deposit(browser, headers | {"Authorization": f"Bearer {token}"}), 503, "BROKER_UNAVAILABLE")


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_a_cross_site_login_or_registration_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    credentials = {"email": browser.email, "password": PASSWORD}
    for path in ("/auth/login", "/auth/register"):
        refused(browser.post(path, json=credentials, headers=headers), 403, "CROSS_SITE_REQUEST")


def test_same_site_pages_and_programs_outside_a_browser_may_use_the_cookie(browser: Browser) -> None:
    browser.login()
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": browser.site.url},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    ):
        refused(deposit(browser, headers), 503, "BROKER_UNAVAILABLE")


def test_json_sent_as_text_plain_is_refused_even_without_an_origin_header(browser: Browser) -> None:
    browser.login()
    sent = browser.post("/demo/deposit", content='{"amount": "1"}', headers={"Content-Type": "text/plain"})
    refused(sent, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_cors_allows_credentials_for_the_default_local_origin_and_for_no_other(browser: Browser) -> None:
    allowed = browser.get("/auth/me", headers={"Origin": "http://localhost:3000"})
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    other = browser.get("/auth/me", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
