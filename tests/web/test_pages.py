"""The screen's addresses, what is sent with them, and that nothing planted in them runs."""

from typing import Final

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.api.exchange import Exchange
from tests.web.axe import faults_of
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import come_in, open_long

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
PATHS: Final = ("/", "/login", "/register", "/account", "/trade/BTC_USDC", "/positions/0-1", "/replay", "/admin")
SIZES: Final = (NARROW, ViewportSize(width=768, height=1024), ViewportSize(width=3840, height=2160))


@pytest.mark.parametrize("path", PATHS)
def test_ui_address_01_a_page_of_the_screen_is_sent_with_a_strict_policy(exchange: Exchange, path: str) -> None:
    reply = exchange.http.get(path)
    assert reply.status_code == 200
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert reply.headers["Cache-Control"] == "no-cache"
    again = exchange.http.get(path, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert exchange.http.head(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/trade",
        "/trade/btc",
        "/trade/<script>",
        "/positions/1",
        "/login/",
        "/replays",
        "/static/index.html",
        "/static/../api",
        "/static/",
    ],
)
def test_ui_address_02_an_unknown_address_is_a_404_problem(exchange: Exchange, path: str) -> None:
    reply = exchange.http.get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")


def test_ui_address_03_a_file_is_kept_for_ever_and_sent_compressed(exchange: Exchange) -> None:
    page = exchange.http.get("/").text
    (script,) = [part.split('"')[0] for part in page.split('src="')[1:]]
    sizes = {}
    for encoding in ("br", "gzip", "identity"):
        with exchange.http.stream("GET", script, headers={"Accept-Encoding": encoding}) as reply:
            assert reply.headers.get("Content-Encoding", "identity") == encoding
            assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
            sizes[encoding] = len(b"".join(reply.iter_raw()))
    assert sizes["br"] < sizes["gzip"] < sizes["identity"]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_ui_access_01_axe_finds_no_fault_on_any_page(exchange: Exchange, browser: Browser, scheme: str) -> None:
    with Visit(browser, exchange, DESKTOP, scheme) as visit:
        page = visit.page
        for path in PATHS:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            assert faults_of(page) == [], path


def test_ui_access_02_nothing_runs_over_the_edge_of_any_page(exchange: Exchange, browser: Browser) -> None:
    with Visit(browser, exchange, NARROW) as visit:
        page = visit.page
        for path in PATHS:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            for size in SIZES:
                page.set_viewport_size(size)
                assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], (path, size)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_trading_page_with_positions_has_no_fault_and_stays_within_its_edges(
    exchange: Exchange, browser: Browser, scheme: str
) -> None:
    """UI-ACCESS-01 and UI-ACCESS-02 of what a person sees who has traded: every tab, at every size."""
    exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    exchange.until_fresh("BTC_USDC", "49999.9")
    with Visit(browser, exchange, DESKTOP, scheme) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "50")
        page.get_by_test_id("size").fill("100")
        tabs = page.get_by_role("tab")
        for number in range(tabs.count()):
            tabs.nth(number).click()
            page.wait_for_load_state("networkidle")
            assert faults_of(page) == [], tabs.nth(number).inner_text()
            for size in (*SIZES, DESKTOP):
                page.set_viewport_size(size)
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= size["width"], (tabs.nth(number).inner_text(), size)


def test_ui_policy_01_content_planted_in_a_page_does_not_run_and_no_other_host_is_called(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/login")
        page.get_by_test_id("email").fill("<script>window.planted=1</script>@example.com")
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.planted = 1";
                document.body.append(script);
                const image = document.createElement("img");
                image.setAttribute("onerror", "window.planted = 1");
                image.src = "https://elsewhere.example/x.png";
                document.body.append(image);
                fetch("https://elsewhere.example/").catch(() => undefined);
            }"""
        )
        page.wait_for_timeout(500)
        assert page.evaluate("window.planted") is None
        assert len([each for each in visit.complaints if "Content Security Policy" in each]) >= 3
        page.goto("/trade/NO_MARKET")
        expect(page.get_by_role("heading", name="There is no market NO_MARKET")).to_be_visible()
