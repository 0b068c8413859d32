"""What the page says of the market and of itself, and how an order is asked for."""

import secrets
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange, service
from tests.api.test_rules import administrator
from tests.web.conftest import DESKTOP, Visit
from tests.web.person import come_in, open_long, told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
PATHS: Final = ("/", "/login", "/register", "/trade/ETH_USDC", "/positions/0-1")


@pytest.fixture(autouse=True)
def prices(exchange: Exchange) -> None:
    exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    exchange.confirmed_price("ETH_USDC", "1999.99", "2000.00")
    for symbol, bid in (("BTC_USDC", "49999.9"), ("ETH_USDC", "1999.99")):
        exchange.until_fresh(symbol, bid)


def test_ui_market_01_the_header_has_the_prices_of_the_market_that_is_chosen(
    exchange: Exchange, browser: Browser
) -> None:
    """UI-MARKET-02 and UI-MARKET-03: the tab's title has the price, a badge the feed."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/trade/BTC_USDC")
        ticker = page.get_by_test_id("ticker")
        for said in ("49,999.9", "50,000.0", "0.1", "fresh"):
            expect(ticker).to_contain_text(said)
        expect(page).to_have_title("49,999.95 BTC_USDC · Reprise")
        expect(page.locator("header .badge")).to_have_text("SIMULATED")
        page.locator("header select").select_option("ETH_USDC")
        expect(page).to_have_url(f"{exchange.url}/trade/ETH_USDC")
        expect(ticker).to_contain_text("1,999.99")
        expect(page).to_have_title("1,999.995 ETH_USDC · Reprise")
        page.go_back()
        expect(ticker).to_contain_text("49,999.9")
        assert visit.complaints == []


def test_an_empty_order_form_says_that_it_waits_for_a_size(exchange: Exchange, browser: Browser) -> None:
    """UI-TICKET-09."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        long, why = page.get_by_test_id("long"), page.get_by_test_id("why")
        expect(why).to_have_text("Say how much, and see here what the order would be.")
        expect(long).to_have_css("opacity", "0.6")
        page.get_by_test_id("size").fill("10")
        expect(why).to_have_text("")
        expect(long).to_have_css("opacity", "1")


def test_a_market_that_is_left_between_two_frames_is_drawn_no_more(exchange: Exchange, browser: Browser) -> None:
    """UI-MARKET-01."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/trade/BTC_USDC")
        expect(page).to_have_title("49,999.95 BTC_USDC · Reprise")
        expect(page.locator("section.chart > p")).to_contain_text("BTC_USDC")
        # A frame comes only when it is let: what is drawn in it was heard before the market was left.
        page.evaluate(
            """() => {
                let asked = 0;
                window.waiting = new Map();
                window.requestAnimationFrame = (frame) => {
                    window.waiting.set(++asked, frame);
                    return asked;
                };
                window.cancelAnimationFrame = (number) => window.waiting.delete(number);
            }"""
        )
        exchange.price("BTC_USDC", "50009.9", "50010.0")
        page.wait_for_timeout(3000)
        page.locator("header select").select_option("ETH_USDC")
        page.evaluate("() => [...window.waiting.values()].forEach((frame) => frame(performance.now()))")
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_market_04_a_banner_says_that_prices_are_old_and_goes_when_they_come_again(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("size").fill("100")
        expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "false")
        with exchange.held("api"):
            expect(page.get_by_test_id("old")).to_be_visible()
            expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "true")
            expect(page.locator("#ticket-why")).to_have_text("There is no connection to the exchange.")
        expect(page.get_by_test_id("old")).to_be_hidden()
        expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "false")


def test_each_button_of_an_order_has_its_side_its_size_and_its_price(exchange: Exchange, browser: Browser) -> None:
    """UI-TICKET-07."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("size").fill("100")
        page.get_by_test_id("leverage").fill("10")
        expect(page.get_by_test_id("long")).to_have_text("Long 0.02 @ 50,000.0")
        expect(page.get_by_test_id("short")).to_have_text("Short 0.02 @ 49,999.9")
        page.get_by_label("Quantity", exact=True).check()
        page.get_by_test_id("size").fill("0.003")
        expect(page.get_by_test_id("short")).to_have_text("Short 0.003 @ 49,999.9")
        page.get_by_test_id("short").click()
        expect(page.get_by_test_id("done")).to_contain_text("Opened short")
        (position,) = told(page, "/positions")["items"]
        assert (position["side"], position["quantity"], position["entry_price"]) == ("short", "0.00300", "49999.9")


def test_an_order_of_a_visitor_is_refused_until_a_login_and_one_click_opens_a_demo_account(
    exchange: Exchange, browser: Browser
) -> None:
    """UI-TICKET-08."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("size").fill("100")
        expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "true")
        expect(page.locator("#ticket-why")).to_contain_text("Log in")
        page.get_by_test_id("try-it").click()
        expect(page.get_by_test_id("balance")).to_have_text("5,000.00")
        expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "false")
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_enter_01_a_person_who_logs_in_comes_back_to_the_page_they_were_on(
    exchange: Exchange, browser: Browser
) -> None:
    user = exchange.new_user()
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/trade/ETH_USDC")
        page.get_by_role("link", name="Log in").click()
        page.get_by_test_id("email").fill(user.email)
        page.get_by_test_id("password").fill(PASSWORD)
        page.get_by_test_id("enter").click()
        expect(page.get_by_test_id("balance")).to_have_text("5,000.00")
        expect(page).to_have_url(f"{exchange.url}/trade/ETH_USDC")
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_enter_02_production_offers_no_account_to_try_and_no_deposit_by_hand(
    exchange: Exchange, browser: Browser, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = exchange.settings.model_copy(
        update={"profile": "production", "port": port, "jwt_secret": secrets.token_hex(32)}
    )
    user = exchange.new_user()
    with service("api", settings, tmp_path) as api, closing(Exchange(settings, tmp_path)) as production:
        production.until_ready(api)
        with Visit(browser, production, DESKTOP) as visit:
            page = visit.page
            page.goto("/trade/BTC_USDC")
            expect(page.get_by_test_id("ticker")).to_contain_text("49,999.9")
            expect(page.get_by_test_id("long")).to_be_visible()
            expect(page.get_by_test_id("try-it")).to_have_count(0)
            page.get_by_role("link", name="Log in").click()
            page.get_by_test_id("email").fill(user.email)
            page.get_by_test_id("password").fill(PASSWORD)
            page.get_by_test_id("enter").click()
            expect(page.get_by_test_id("balance")).to_have_text("5,000.00")
            page.goto("/account")
            expect(page.get_by_test_id("deposit-none")).to_have_text(
                "Money comes into this exchange by an administrator only."
            )
            expect(page.get_by_test_id("deposit")).to_have_count(0)
            assert visit.complaints == []


@pytest.mark.slow
def test_ui_close_02_close_everything_asks_first_and_closes_every_position(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "10")
        page.get_by_test_id("size").fill("50")
        page.get_by_test_id("short").click()
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 2")
        page.get_by_test_id("close-all").click()
        expect(page.get_by_text("All 2 open positions are closed")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("close-all-send")).to_be_hidden()
        assert len(told(page, "/positions")["items"]) == 2
        admin = administrator(exchange).http
        admin.post("/admin/instruments/BTC_USDC/status", json={"status": "halted"})
        expect(page.get_by_test_id("market-status")).to_have_text("HALTED")
        page.get_by_test_id("close-all").click()
        page.get_by_test_id("close-all-send").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("BTC_USDC: ")
        expect(page.get_by_test_id("refused")).to_have_count(0)  # It is said once.
        page.keyboard.press("Escape")
        admin.post("/admin/instruments/BTC_USDC/status", json={"status": "open"})
        expect(page.get_by_test_id("market-status")).to_have_count(0)
        page.get_by_test_id("close-all").click()
        page.get_by_test_id("close-all-send").click()
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
        assert told(page, "/positions")["items"] == []


@pytest.mark.slow
def test_ui_close_03_a_part_of_a_position_is_closed_and_the_rest_stays(exchange: Exchange, browser: Browser) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "10")
        page.get_by_test_id("close").click()
        page.get_by_test_id("part").fill("abc")
        page.get_by_test_id("close-send").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("This is no number.")
        page.get_by_test_id("part").fill("0.005")
        page.get_by_test_id("close-send").click()
        expect(page.get_by_test_id("done").last).to_contain_text("stays open")
        (position,) = told(page, "/positions")["items"]
        assert position["quantity"] == "0.01500"


@pytest.mark.slow
def test_keys_go_to_the_fields_of_an_order_and_a_list_of_them_opens(exchange: Exchange, browser: Browser) -> None:
    """UI-KEY-01."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("ticker").wait_for()
        for key, name in (("b", "long"), ("s", "short"), ("t", "size")):
            page.keyboard.press(key)
            assert focused(page) == name
        page.keyboard.type("b")
        assert focused(page) == "size", "who types into a field is not taken away from it"
        page.get_by_role("heading", name="Order").click()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("to the size in the ticket")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()


def focused(page: Page) -> str | None:
    name: str | None = page.evaluate("document.activeElement?.dataset.testid ?? null")
    return name


def test_ui_notice_01_every_page_says_that_no_money_is_real_and_names_the_risk(
    exchange: Exchange, browser: Browser
) -> None:
    """UI-ACCESS-03: the first Tab offers to go to the content."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        for path in PATHS:
            page.goto(path)
            expect(page.get_by_text("No money here is real.")).to_be_visible()
            expect(page.get_by_text("Leveraged positions can lose their whole margin")).to_be_visible()
            page.locator("main > *").first.wait_for()
            if path.startswith("/trade"):  # A form takes the keyboard to its first field.
                page.keyboard.press("Tab")
                assert page.evaluate("document.activeElement?.getAttribute('href')") == "#main"
