"""Every answer of every server has the headers that keep a browser from misusing it, errors and pages alike."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from runtime.http_headers import SECURITY_HEADERS
from tests.api.exchange import PASSWORD, Exchange
from tests.api.lone_application import LoneApplication

ORIGIN = "http://localhost:3000"
ANSWERS = (
    ("GET", "/api/v1/tickers"),
    ("GET", "/api/v1/account"),
    ("GET", "/api/v1/nowhere"),
    ("PUT", "/api/v1/account"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/auth/login"),
    ("GET", "/balance"),
    ("GET", "/health"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/problems"),
    ("GET", "/docs/oauth2-redirect"),
    ("GET", "/docs/assets/swagger-ui.css"),
    ("GET", "/"),
    ("GET", "/static/nothing.js"),
    ("OPTIONS", "/api/v1/orders"),
    ("HEAD", "/api/v1/tickers"),
)
CLOSED = ("content-security-policy", "x-content-type-options", "referrer-policy")


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds, none of which is reached here."""
    return bounded


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[LoneApplication]:
    """The application, in this process, without a database."""
    with closing(LoneApplication(tmp_path)) as application:
        yield application


def policy_of(reply: httpx.Response) -> str:
    return reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "path"), ANSWERS)
def test_an_answer_of_the_api_has_the_security_headers(exchange: Exchange, method: str, path: str) -> None:
    reply = exchange.http.request(method, path, headers={"Origin": ORIGIN})
    assert all(reply.headers.get(name) for name in CLOSED), reply.headers
    policy = policy_of(reply)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-eval'" not in policy
    assert "http:" not in policy.replace("data:", "")
    assert not re.search(r"script-src[^;]*'unsafe-inline'", policy)


@pytest.mark.parametrize("name", ["engine", "projector", "replay", "api_pages"])
def test_the_pages_of_a_service_have_the_security_headers(exchange: Exchange, name: str) -> None:
    for path in ("/healthz", "/metrics", "/nowhere"):
        reply = httpx.get(f"http://127.0.0.1:{getattr(exchange.settings, f'{name}_port')}{path}", trust_env=False)
        assert {header: reply.headers.get(header) for header in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("name", ["engine", "projector", "replay", "api_pages"])
def test_the_health_of_a_service_is_answered_without_its_body_to_head(exchange: Exchange, name: str) -> None:
    reply = httpx.head(f"http://127.0.0.1:{getattr(exchange.settings, f'{name}_port')}/healthz", trust_env=False)
    assert reply.status_code == 200
    assert reply.headers["Content-Length"] != "0"
    assert reply.content == b""


def test_an_account_s_data_is_kept_by_no_browser_or_proxy(exchange: Exchange) -> None:
    user = exchange.new_user()
    for path in ("/account", "/orders", "/positions", "/ledger", "/fills", "/auth/me", "/auth/sessions", "/statements"):
        reply = user.http.get(path)
        assert reply.headers["Cache-Control"] == "no-store", path
    token = {"Authorization": f"Bearer {user.token}"}
    for path in ("/balance", "/api/v1/balance", "/auth/me", "/trade/orders", "/api/trading/positions"):
        assert exchange.http.get(path, headers=token).headers["Cache-Control"] == "no-store", path


def test_files_with_a_digest_in_their_name_are_still_kept(exchange: Exchange) -> None:
    assert "max-age" in exchange.http.get("/docs/assets/swagger-ui.css").headers["Cache-Control"]


def test_a_page_of_the_documentation_runs_scripts_of_this_origin_alone(exchange: Exchange) -> None:
    for path in ("/docs", "/docs/oauth2-redirect", "/docs/problems"):
        page = exchange.http.get(path)
        assert not re.search(r"""(src|href)=["'](https?:)?//""", page.text), path
        assert len(re.findall(r"<script>", page.text)) == policy_of(page).count("'sha256-")


def test_a_refused_body_and_a_defect_have_the_cors_headers_of_any_answer(lone: LoneApplication) -> None:
    def defect() -> None:
        raise RuntimeError("a defect")

    too_large = lone.request("POST", "/api/v1/auth/login", content=b"a" * 70_000, headers={"Origin": ORIGIN})
    lone.app.add_api_route("/defect", defect)
    broken = lone.get("/defect", headers={"Origin": ORIGIN})
    for reply, status in ((too_large, 413), (broken, 500)):
        assert reply.status_code == status
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        assert reply.json()["status"] == status
        assert all(reply.headers.get(name) for name in CLOSED)


def test_only_administrators_read_the_metrics_at_the_port_of_the_api(exchange: Exchange) -> None:
    user = exchange.new_user()
    assert exchange.http.get("/metrics").status_code == 401
    assert httpx.get(f"{exchange.url}/metrics", headers={"Authorization": f"Bearer {user.token}"}).status_code == 403
    assert "request_seconds" in exchange.metrics()


def test_the_service_port_of_the_api_serves_health_and_nothing_of_an_account(exchange: Exchange) -> None:
    pages = f"http://127.0.0.1:{exchange.settings.api_pages_port}"
    assert httpx.get(f"{pages}/readyz").json() == {"ready": True, "why": None}
    assert httpx.get(f"{pages}/healthz").status_code == 200
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    assert httpx.post(f"{pages}/api/v1/auth/login", json=credentials).status_code == 404


@pytest.mark.parametrize(
    ("port", "path"),
    [
        ("port", "/api/v1/tickers/"),
        ("port", "/docs/"),
        ("port", "/auth/me/"),
        ("replay_port", "/status/"),
        ("replay_port", "/api/v1/audit/replay/steps/"),
        ("projector_port", "/status/"),
        ("api_pages_port", "/readyz/"),
    ],
)
def test_no_answer_repeats_the_host_that_a_client_names(exchange: Exchange, port: str, path: str) -> None:
    address = f"http://127.0.0.1:{getattr(exchange.settings, port)}{path}"
    reply = httpx.get(address, headers={"Host": "evil.example"}, trust_env=False)
    assert not reply.is_redirect
    assert "evil.example" not in reply.text + str(reply.headers)
