"""Browsers let the seeds' pages call this API, and a seed's port answers in that seed's way."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.app_state import AppState
from api.http.rate_limits import RateLimits
from runtime.settings import SEED_PORTS
from tests.auth.conftest import PASSWORD, Browser, refused

OTHER_PAGE = "http://localhost:5555"
SEED_ROUTES = [
    ("POST", "/auth/login"),
    ("POST", "/auth/register"),
    ("POST", "/api/trading/orders"),
    ("DELETE", "/api/trading/orders/7"),
    ("GET", "/api/trading/positions"),
    ("GET", "/api/v1/state"),
    ("POST", "/api/v1/positions/open"),
    ("POST", "/api/v1/positions/close"),
]


def asked(browser: Browser, origin: str, method: str, path: str, headers: str = "content-type") -> httpx.Response:
    """What a browser asks before it sends a page's request."""
    return browser.http.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.mark.parametrize("path", ["/trade/open", "/balance/deposit", "/api/v1/engine", "/api/v1/orders"])
@pytest.mark.parametrize(
    "origin",
    [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 3200, 5173, 8080)],
)
def test_a_page_may_send_what_its_library_adds(browser: Browser, origin: str, path: str) -> None:
    answer = asked(browser, origin, "POST", path, "content-type,authorization,x-requested-with")
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(("method", "path"), SEED_ROUTES)
def test_a_page_of_any_origin_may_call_seeds_002_and_004_without_cookies(
    browser: Browser, method: str, path: str
) -> None:
    answer = asked(browser, OTHER_PAGE, method, path, "authorization,content-type,x-anything")
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    sent = browser.http.request(method, path, headers={"Origin": OTHER_PAGE})
    assert sent.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/api/v1/account", "/api/v1/positions/close-all", "/trade/orders", "/api/v1/engine"])
def test_a_page_of_any_origin_may_call_nothing_else(browser: Browser, path: str) -> None:
    answer = asked(browser, OTHER_PAGE, "POST", path)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_another_origin_gets_a_token_and_no_cookie(browser: Browser) -> None:
    credentials = {"email": browser.email, "password": PASSWORD}
    for headers, has_cookie in (
        ({"Origin": OTHER_PAGE, "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "cross-site"}, True),
        ({}, True),
    ):
        browser.http.cookies.clear()
        reply = browser.http.post("/auth/login", json=credentials, headers=headers)
        assert reply.status_code == 200, reply.text
        assert reply.json()["token"]
        assert ("set-cookie" in reply.headers) == has_cookie, headers


def test_a_page_at_127_0_0_1_may_use_its_cookie_at_localhost_on_a_seed_s_route_only(browser: Browser) -> None:
    signed_in = {"Cookie": f"token={browser.login()}"}
    browser.http.cookies.clear()
    page = {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "cross-site"} | signed_in
    body = {"symbol": "USDC", "amount": 1}
    # As far as the log, which is not there.
    refused(browser.http.post("/balance/deposit", json=body, headers=page), 503, "BROKER_UNAVAILABLE")
    refused(browser.post("/demo/deposit", json={"amount": "1"}, headers=page), 403, "CROSS_SITE_REQUEST")
    evil = page | {"Origin": "https://evil.example"}
    refused(browser.http.post("/balance/deposit", json=body, headers=evil), 403, "CROSS_SITE_REQUEST")


def at_port(state: AppState, port: int, method: str, path: str, **options: Any) -> httpx.Response:
    """Send a request to a port of the application, on which the seeds' ports are served."""
    served = state._replace(settings=state.settings.model_copy(update={"seed_ports": SEED_PORTS}))
    transport = httpx.ASGITransport(create_app(served))

    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url=f"http://localhost:{port}") as client:
            return await client.request(method, path, **options)

    return asyncio.run(sent())


@pytest.mark.parametrize("port", SEED_PORTS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/balance", 405), ("PUT", "/trade/orders", 405)],
)
def test_an_unknown_path_or_method_at_a_seed_s_port_is_answered_with_the_older_members_of_an_error(
    state: AppState, port: int, method: str, path: str, status: int
) -> None:
    reply = at_port(state, port, method, path)
    assert reply.status_code == status
    said = reply.json()
    assert said["error"] == said["message"] == said["detail"]


def test_a_body_that_is_too_large_at_a_seed_s_port_is_answered_with_the_older_members_of_an_error(
    state: AppState,
) -> None:
    reply = at_port(state, 3001, "POST", "/trade/open", content=b"x" * 100_000)
    told = "The body has 100000 bytes, more than the 65536 bytes there may be"
    assert (reply.status_code, reply.json()["message"]) == (413, told)


def test_the_api_s_own_port_has_only_the_members_of_a_problem(state: AppState) -> None:
    reply = at_port(state, 8000, "GET", "/nowhere")
    assert reply.status_code == 404
    assert {"error", "message"}.isdisjoint(reply.json())


def test_supported_assets_are_seed_001_s_array_at_its_port_and_seed_000_s_object_elsewhere(state: AppState) -> None:
    assert at_port(state, 3005, "GET", "/api/v1/supportedAssets").json() == ["BTC_USDC", "ETH_USDC", "SOL_USDC"]
    for port in (4000, 8000):
        found = at_port(state, port, "GET", "/api/v1/supportedAssets").json()
        assert [asset["symbol"] for asset in found["assets"]] == ["BTC", "ETH", "SOL"]


def test_candles_without_an_asset_miss_seed_001_s_parameter_at_its_port_and_the_api_s_elsewhere(
    state: AppState,
) -> None:
    for port, status, name in ((3005, 400, "asset"), (8000, 422, "symbol")):
        refused = at_port(state, port, "GET", "/api/v1/candles?interval=1h")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (status, name)


def test_a_bearer_token_wins_over_another_user_s_cookie_at_a_seed_s_port(state: AppState, browser: Browser) -> None:
    token = browser.login()
    other = Browser(browser.site).register()
    mixed = {"Authorization": f"Bearer {token}", "Cookie": f"token={other.login()}"}
    assert at_port(state, 3005, "GET", "/api/v1/auth/me", headers=mixed).json()["email"] == browser.email
    refused(at_port(state, 8000, "GET", "/api/v1/auth/me", headers=mixed), 401, "CREDENTIALS_CONFLICT")


def handshake(app: FastAPI) -> dict[str, Any]:
    """Ask for a socket without a good token, as a server would pass it on; gives the answer's beginning."""
    scope = {
        "type": "websocket",
        "path": "/",
        "query_string": b"token=nonsense",
        "headers": [],
        "scheme": "ws",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 3002),
        "extensions": {"websocket.http.response": {}},
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]


def test_refused_handshakes_of_seed_002_s_socket_count_against_their_address(state: AppState) -> None:
    """Its page tries again whatever the answer is."""
    settings = state.settings.model_copy(update={"rate_limit_public": "2/day"})
    app = create_app(state._replace(settings=settings, rate_limits=RateLimits(settings)))
    answers = [handshake(app) for _ in range(3)]
    assert {answer["type"] for answer in answers} == {"websocket.http.response.start"}
    assert [answer["status"] for answer in answers] == [401, 401, 429]
    assert int(dict(answers[-1]["headers"])[b"retry-after"]) >= 1


NO_TOKENS = ("Bearer null", "Bearer undefined", "Bearer", "bearer null")


@pytest.mark.parametrize("header", NO_TOKENS)
def test_a_bearer_of_a_page_that_keeps_no_token_counts_as_none_on_a_seed_s_route(browser: Browser, header: str) -> None:
    cookie = {"Cookie": f"token={browser.login()}"}
    browser.http.cookies.clear()
    empty = {"Authorization": header}
    assert browser.http.get("/auth/me", headers=empty | cookie).json()["email"] == browser.email
    refused(browser.http.get("/auth/me", headers=empty), 401, "NOT_AUTHENTICATED")
    # Who is nobody at seed 004 has an account all the same; it is opened by the log, which is not there.
    refused(browser.http.get("/api/v1/state", headers=empty), 503, "BROKER_UNAVAILABLE")
    refused(browser.get("/auth/me", headers=empty | cookie), 401, "TOKEN_INVALID")
    for bad in ("Bearer nothing", "Basic null", "null"):
        refused(browser.http.get("/auth/me", headers={"Authorization": bad} | cookie), 401, "TOKEN_INVALID")


def test_a_page_of_another_site_gets_no_use_of_cookies_by_sending_an_empty_bearer(browser: Browser) -> None:
    cookie = {"Cookie": f"token={browser.login()}", "Authorization": "Bearer null"}
    browser.http.cookies.clear()
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    body = {"symbol": "USDC", "amount": 1}
    refused(browser.http.post("/balance/deposit", json=body, headers=cookie | evil), 403, "CROSS_SITE_REQUEST")


@pytest.fixture
def two(browser: Browser) -> tuple[Browser, Browser, dict[str, str]]:
    """Users of seed 001 and of seed 003 in one browser, and what it sends."""
    other = Browser(browser.site).register()
    cookies = {"Cookie": f"authToken={browser.login()}; token={other.login()}"}
    browser.http.cookies.clear()
    return browser, other, cookies


def test_of_the_cookies_of_two_users_that_of_the_seed_s_own_login_counts(
    two: tuple[Browser, Browser, dict[str, str]], state: AppState
) -> None:
    of_001, of_003, cookies = two
    assert of_001.http.get("/api/v1/user/me", headers=cookies).json()["email"] == of_001.email
    assert of_001.http.get("/auth/me", headers=cookies).json()["email"] == of_003.email
    for port, expected in ((3005, of_001), (3001, of_003), (3002, of_003), (4000, of_003)):
        reply = at_port(state, port, "GET", "/api/v1/auth/me", headers=cookies)
        assert reply.json()["email"] == expected.email, port
    # Whose it is can be told neither at the API's own routes nor at those of a seed without logins.
    refused(of_001.me(**cookies), 401, "CREDENTIALS_CONFLICT")
    refused(of_001.http.get("/api/v1/state", headers=cookies), 401, "CREDENTIALS_CONFLICT")
    # Another program's cookie of that name is none.
    foreign = {"Cookie": cookies["Cookie"].replace("; token=", "; other=") + "; token=another-program-s"}
    assert of_001.http.get("/auth/me", headers=foreign).json()["email"] == of_001.email


def test_a_logout_ends_the_sessions_of_all_cookies_and_takes_them_back(
    two: tuple[Browser, Browser, dict[str, str]],
) -> None:
    of_001, of_003, cookies = two
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    refused(of_001.http.post("/auth/logout", headers=cookies | evil), 403, "CROSS_SITE_REQUEST")
    assert of_001.http.get("/api/v1/user/me", headers=cookies).status_code == 200
    reply = of_001.http.post("/auth/logout", headers=cookies)
    assert reply.status_code == 200, reply.text
    taken = {header.partition("=")[0] for header in reply.headers.get_list("set-cookie") if "Max-Age=0" in header}
    assert {"authToken", "token", "session"} <= taken
    for path in ("/api/v1/user/me", "/auth/me"):
        refused(of_003.http.get(path, headers=cookies), 401, "TOKEN_INVALID")
