"""How many logins an address and an account have, their passwords right or wrong."""

from collections.abc import Iterator

import httpx
import pytest

from tests.auth.conftest import PASSWORD, Browser, Site, served, settings_of

ROUTES = ("/api/v1/auth/login", "/auth/login", "/api/v1/auth/signin", "/api/v1/user/signin")
LIMIT = 4


@pytest.fixture(scope="module")
def limited(auth_database: str) -> Iterator[Site]:
    """An API with a limit of logins, where a peer is a proxy that says who it asks for."""
    settings = settings_of(auth_database, rate_limit_logins=f"{LIMIT}/hour", trusted_proxies="127.0.0.1")
    with served(settings) as (_, site):
        yield site


def login(browser: Browser, address: str, path: str = ROUTES[0], password: str = PASSWORD) -> httpx.Response:
    return browser.http.post(
        path, json={"email": browser.email, "password": password}, headers={"X-Forwarded-For": address}
    )


def refused(reply: httpx.Response) -> None:
    assert (reply.status_code, reply.json()["code"]) == (429, "RATE_LIMITED"), reply.text
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.headers["RateLimit-Policy"] == f'"logins";q={LIMIT};w=3600'


@pytest.mark.parametrize("path", ROUTES)
def test_logins_are_limited_by_address_at_every_route(limited: Site, path: str) -> None:
    address = f"192.0.2.{ROUTES.index(path) + 1}"
    for before in ROUTES:
        browser = Browser(limited).register()
        assert login(browser, address, before).status_code != 429
    refused(login(Browser(limited).register(), address, path))
    refused(login(Browser(limited), address, path, "a wrong password"))
    assert login(Browser(limited).register(), "192.0.2.99").status_code != 429


def test_logins_of_an_account_are_limited_wherever_they_come_from(limited: Site) -> None:
    browser = Browser(limited).register()
    for place in range(LIMIT):
        browser.http.cookies.clear()
        assert login(browser, f"198.51.100.{place}").status_code != 429
    browser.http.cookies.clear()
    refused(login(browser, "198.51.100.77"))


def test_a_device_that_signed_in_before_is_kept_out_by_no_logins_of_others_at_its_address(limited: Site) -> None:
    phone = Browser(limited).register()
    assert login(phone, "203.0.113.5").status_code == 200
    for _ in range(LIMIT):
        login(Browser(limited), "203.0.113.5", password="a wrong password")
    refused(login(Browser(limited).register(), "203.0.113.5"))
    assert login(phone, "203.0.113.5").status_code == 200
