"""Every screen in three sizes and both themes: a person can read all of it."""

from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.api.exchange import PASSWORD, Exchange
from tests.api.test_rules import administrator
from tests.web.axe import faults_of
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import open_long, told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen", "replaying")]
LOOKS: Final = Path(__file__).with_name("looks.js")
SIZES: Final = (NARROW, DESKTOP, pytest.param(ViewportSize(width=2560, height=1440), marks=pytest.mark.slow))
THEMES: Final = ("light", "dark")


def screens_of(exchange: Exchange, page: Page) -> dict[str, str]:
    """An administrator signs in, is liquidated once, and holds a position; gives the addresses of what they see."""
    user = administrator(exchange)
    user.http.post("/alerts", json={"symbol": "BTC_USDC", "price": "49500", "note": "a note of more than a few words"})
    public = b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    user.http.post("/api-keys", json={"public_key": public, "scopes": ["read", "trade"], "name": "The program"})
    user.http.post("/withdrawals", json={"amount": "12.5", "note": "rent"})
    exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    exchange.until_fresh("BTC_USDC", "49999.9")
    page.goto("/login")
    page.get_by_test_id("email").fill(user.email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("balance")).to_be_visible()
    position = open_long(page, "50")
    low = Decimal(position["liquidation_price"])
    exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
    expect(page.get_by_test_id("unasked")).to_contain_text("liquidated")
    open_long(page, "10")
    page.get_by_test_id("amend").click()
    page.get_by_test_id("amend-stop").fill("44999.9")
    page.get_by_test_id("amend-take").fill("55000.0")
    page.get_by_test_id("amend-send").click()
    expect(page.get_by_test_id("amend")).to_contain_text("55,000.0")
    return {
        "trade": "/trade/BTC_USDC",
        "receipt": f"/positions/{position['id']}",
        "replay": f"/replay?position={position['id']}",
        "account": "/account",
        "admin": "/admin",
        "nothing": "/trade/NO_MARKET",
    }


@pytest.mark.parametrize("size", SIZES, ids=["narrow", "desktop", "wide"])
def test_ui_access_04_every_text_can_be_read_in_every_size_and_theme(
    exchange: Exchange, browser: Browser, size: ViewportSize, tmp_path: Path
) -> None:
    with Visit(browser, exchange, size) as visit, Visit(browser, exchange, size) as stranger:
        screens = screens_of(exchange, visit.page)
        seen = [(name, visit.page, path) for name, path in screens.items()]
        seen += [(name, stranger.page, f"/{name}") for name in ("login", "register")]
        faults = []
        for name, page, path in seen:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            for theme in THEMES:
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.wait_for_timeout(300)
                page.screenshot(path=tmp_path / f"{name}-{size['width']}-{theme}.png", full_page=True)
                found = page.evaluate(LOOKS.read_text(encoding="utf-8"))
                assert found["looked"] > 5, (name, theme)
                assert found["wide"] <= 0, (name, theme)
                if size == DESKTOP:
                    faults += [(name, theme, fault) for fault in faults_of(page)]
                faults += [(name, theme, fault) for fault in found["faults"]]
        visit.page.goto(screens["trade"])
        tabs = visit.page.get_by_role("tab")
        expect(tabs.first).to_be_visible()
        for number in range(tabs.count()):
            tabs.nth(number).click()
            visit.page.wait_for_load_state("networkidle")
            name = tabs.nth(number).inner_text()
            visit.page.screenshot(path=tmp_path / f"tab-{name.split()[0]}-{size['width']}.png", full_page=True)
            found = visit.page.evaluate(LOOKS.read_text(encoding="utf-8"))
            faults += [(name, "a tab", fault) for fault in found["faults"]]
        assert not faults, "\n".join(map(str, faults))
        assert told(visit.page, "/positions")["items"]


def test_a_text_that_is_pale_cut_off_or_over_its_neighbour_is_found(exchange: Exchange, browser: Browser) -> None:
    """UI-ACCESS-04: what looks for faults finds those that are planted."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/login")
        page.get_by_test_id("email").wait_for()
        page.evaluate(
            """() => {
                const planted = document.createElement("div");
                planted.innerHTML = "<p>pale</p><p>cut off, cut off</p>"
                    + "<table><tr><td>over the next</td><td></td></tr></table>";
                const [pale, cut, table] = planted.children;
                pale.style.color = "#999";
                pale.style.backgroundColor = "#fff";
                Object.assign(cut.style, { width: "2rem", overflow: "hidden", whiteSpace: "nowrap" });
                Object.assign(table.style, { tableLayout: "fixed", width: "4rem", whiteSpace: "nowrap" });
                document.querySelector("main").append(planted);
            }"""
        )
        found = page.evaluate(LOOKS.read_text(encoding="utf-8"))["faults"]
        assert [fault.partition(":")[0] for fault in found] == ["contrast 2.85", "cut off", "over the next cell"]
