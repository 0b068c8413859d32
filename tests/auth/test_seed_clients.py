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

OTHER_PAGE = "http://localhost:5173"
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
