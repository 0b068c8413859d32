"""A person trades on the screen: every figure is the exchange's, and every close explains itself."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.api.exchange import Exchange
from tests.processes import eventually
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import come_in, come_in_by_keyboard, open_long, shown, tab_to, told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
START: Final = ("49999.9", "50000.0")


@pytest.fixture(autouse=True)
def price(exchange: Exchange) -> None:
    exchange.confirmed_price("BTC_USDC", *START)
    exchange.until_fresh("BTC_USDC", START[0])


def same(page: Page, name: str, figure: Callable[[], str]) -> None:
    """A figure of the page becomes the API's."""
    eventually(lambda: (shown(page, name), Decimal(figure())), lambda seen: seen[0] == seen[1])


@pytest.mark.parametrize("viewport", [DESKTOP, NARROW], ids=["desktop", "320 px"])
def test_ui_trade_01_a_person_registers_trades_is_liquidated_and_reads_why(
    exchange: Exchange, browser: Browser, viewport: ViewportSize
) -> None:
    with Visit(browser, exchange, viewport) as visit:
        page = visit.page
        come_in(page)
        position = open_long(page, "50")
        same(page, "free-margin", lambda: told(page, "/account")["free_margin"])
        for bid, ask in (("50099.9", "50100.0"), ("49899.9", "49900.0")):
            exchange.price("BTC_USDC", bid, ask)
            exchange.until_fresh("BTC_USDC", bid)
            same(page, "profit", lambda: told(page, "/positions")["items"][0]["unrealized_pnl"])
            same(page, "equity", lambda: told(page, "/account")["equity"])
        page.get_by_test_id("amend").click()
        page.get_by_test_id("amend-take").fill("51000")
        page.get_by_test_id("amend-send").click()
        expect(page.get_by_test_id("amend")).to_contain_text("51,000.0")
        assert told(page, "/positions")["items"][0]["take_profit"] == "51000.0"
        low = Decimal(position["liquidation_price"])
        exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
        unasked = page.get_by_test_id("unasked")
        expect(unasked).to_contain_text("liquidated")
        expect(unasked).to_contain_text(f"{low:,}, result -100.00 USDC")
        unasked.get_by_role("link").click()
        receipt = told(page, f"/receipts/{told(page, '/positions/' + position['id'])['receipt_id']}")
        expect(page.get_by_text("LIQ-01")).to_be_visible()
        said = page.get_by_test_id("inequality").inner_text().replace(",", "")
        assert Decimal(receipt["equity"]) < Decimal(receipt["requirement"])
        for figure in (receipt["equity"], receipt["requirement"]):
            assert f"{Decimal(figure).normalize():f}" in said
        page.get_by_role("link", name="Reprise").click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_test_id("try-it")).to_be_visible()
        assert visit.complaints == []
        assert visit.elsewhere == []


def test_ui_trade_02_the_same_is_done_by_keyboard_alone(exchange: Exchange, browser: Browser) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in_by_keyboard(page)
        page.keyboard.press("t")
        page.keyboard.type("100")
        tab_to(page, "short")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("done")).to_contain_text("Opened short")
        tab_to(page, "close")
        page.keyboard.press("Enter")
        page.get_by_test_id("close-send").wait_for()
        tab_to(page, "close-send")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
        tab_to(page, "tab-positions")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("cell", name="by hand")).to_be_visible()
        assert visit.complaints == []


def test_ui_trade_03_a_server_that_was_killed_is_noticed_and_the_page_shows_what_happened_meanwhile(
    exchange: Exchange, browser: Browser
) -> None:
    api = exchange.services["api"]
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        position = open_long(page, "50")
        api.kill()
        expect(page.get_by_test_id("old")).to_be_visible()
        low = Decimal(position["liquidation_price"])
        exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
        api.restart()
        expect(page.get_by_test_id("unasked")).to_contain_text("liquidated", timeout=180_000)
        expect(page.get_by_test_id("old")).to_be_hidden()
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
        same(page, "balance", lambda: told(page, "/account")["balance"])


@pytest.mark.slow
def test_ui_trade_03_the_page_follows_again_after_an_outage_of_any_length(exchange: Exchange, browser: Browser) -> None:
    api = exchange.services["api"]
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "10")
        api.kill()
        page.wait_for_timeout(45_000)  # Longer than the clients wait for an answer.
        api.restart()
        expect(page.get_by_test_id("old")).to_be_hidden(timeout=180_000)
        expect(page.locator("section.chart [role=alert]")).to_have_count(0)
        page.get_by_test_id("size").fill("50")
        expect(page.get_by_test_id("short")).to_have_attribute("aria-disabled", "false")
        page.get_by_test_id("short").click()
        expect(page.get_by_test_id("done")).to_contain_text("Opened short")
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 2")
        same(page, "balance", lambda: told(page, "/account")["balance"])


def test_ui_trade_04_a_page_sends_nothing_in_the_name_of_whoever_signed_in_in_another_tab(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        first, second = visit.page, visit.page.context.new_page()
        email = come_in(first)
        first.get_by_test_id("size").fill("100")
        second.goto("/trade/BTC_USDC")
        second.get_by_role("button", name="Log out").click()
        expect(second.get_by_test_id("try-it")).to_be_visible()
        expect(first.get_by_test_id("try-it")).to_be_visible()
        other = come_in(second)
        assert other != email
        expect(first.get_by_test_id("to-account")).to_have_attribute("title", f"Account: {other}")

        # Also where the other tab was heard of only by what both of them keep.
        first.get_by_test_id("size").fill("100")
        expect(first.get_by_test_id("long")).to_have_attribute("aria-disabled", "false")
        first.evaluate(
            """() => {
                const found = Storage.prototype.getItem;
                Storage.prototype.getItem = function (name) {
                    return name === "reprise.signed-in-as" ? "another" : found.call(this, name);
                };
            }"""
        )
        first.get_by_test_id("long").click()
        expect(first.get_by_test_id("refused")).to_contain_text("Somebody else signed in or out in another tab")
        assert told(first, "/positions")["items"] == []
        assert visit.complaints == []


def test_ui_trade_05_a_message_is_there_again_after_a_reload_until_it_is_read(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        low = Decimal(open_long(page, "50")["liquidation_price"])
        exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
        unasked = page.get_by_test_id("unasked")
        expect(unasked).to_contain_text("liquidated")
        page.reload()
        expect(unasked).to_contain_text("liquidated")
        unasked.get_by_role("button", name="Read").click()
        expect(unasked).to_have_count(0)
        page.reload()
        expect(page.get_by_test_id("balance")).to_be_visible()
        expect(unasked).to_have_count(0)
        assert visit.complaints == []


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_ui_trade_06_the_page_can_be_moved_out_from_under_messages_that_stay(
    exchange: Exchange, browser: Browser, size: ViewportSize
) -> None:
    with Visit(browser, exchange, size) as visit:
        page = visit.page
        come_in(page)
        unread = 3  # as many as are shown at once
        for _ in range(unread):
            low = Decimal(open_long(page, "50")["liquidation_price"])
            exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
            expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
            exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
        expect(page.get_by_test_id("unasked")).to_have_count(unread)
        open_long(page, "10")
        for name in ("amend", "close"):
            page.get_by_test_id(name).click(timeout=5_000)
            page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        below = page.evaluate(
            """() => {
                const end = document.querySelector("footer").getBoundingClientRect().bottom;
                return end - document.querySelector("[data-testid=unasked]").getBoundingClientRect().top;
            }"""
        )
        assert below <= 1, "the page's last line is above them"
        assert visit.complaints == []


def test_ui_close_04_a_close_is_not_sent_while_the_page_knows_that_nobody_answers(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "10")
        with exchange.held("api"):
            expect(page.get_by_test_id("old")).to_be_visible()
            page.get_by_test_id("close").click()
            page.get_by_test_id("close-send").click()
            expect(page.get_by_role("dialog")).to_contain_text("There is no connection to the exchange.")
        expect(page.get_by_test_id("old")).to_be_hidden()
        assert len(told(page, "/positions")["items"]) == 1
        page.get_by_test_id("close-send").click()
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")


def test_a_close_without_an_answer_is_in_no_other_dialog_s_way(exchange: Exchange, browser: Browser) -> None:
    """UI-CLOSE-04."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        open_long(page, "10")
        with exchange.held("api"):
            page.get_by_test_id("close").click()
            page.get_by_test_id("close-send").click()
            expect(page.get_by_role("dialog")).to_contain_text("Sent. The exchange has not answered yet.")
            page.keyboard.press("Escape")
            expect(page.get_by_test_id("done").filter(has_text="It is sent.")).to_be_visible()
            page.get_by_test_id("amend").click()
            dialog = page.get_by_role("dialog", name="Change stops")
            expect(dialog.get_by_test_id("amend-send")).to_have_attribute("aria-disabled", "false")
            assert "Sent." not in dialog.inner_text()
            page.keyboard.press("Escape")
        expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
        assert [fill["action"] for fill in told(page, "/fills")["items"]] == ["close", "open"]


def test_ui_receipt_06_a_receipt_explains_a_close_by_rule_moment_and_neighbours(
    exchange: Exchange, browser: Browser
) -> None:
    """UI-RECEIPT-01, UI-RECEIPT-03 and UI-RECEIPT-07 of a stop, with positions of others that the same tick closes."""
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        position = open_long(page, "10")
        page.get_by_test_id("amend").click()
        page.get_by_test_id("amend-stop").fill("49800")
        page.get_by_test_id("amend-send").click()
        expect(page.get_by_test_id("amend")).to_contain_text("49,800.0")
        others = [exchange.new_user() for _ in range(8)]
        for other in others:
            other.opened(stop_loss="49850")
        exchange.price("BTC_USDC", "49799.9", "49800.0")
        page.get_by_test_id("unasked").get_by_role("link").click()
        receipt = told(page, f"/receipts/{told(page, '/positions/' + position['id'])['receipt_id']}")
        closings = eventually(  # The tables may have other shards' closings later than the person's own.
            lambda: told(page, f"/receipts/{receipt['event_id']}/closings"),
            lambda closings: closings["count"] + closings["elsewhere"] == len(others) + 1,
        )
        page.reload()
        expect(page.get_by_text("TRIG-01")).to_be_visible()
        expect(page.get_by_test_id("inequality")).to_have_text("Bid 49,799.9 ≤ Stop 49,800.0")
        expect(page.get_by_test_id("open-price")).to_contain_text("a bid of 49,800.1")
        moment = page.get_by_test_id("moment")
        for said in ("Entry 50,000.0", "Trigger 49,800.0", "Exit 49,799.9"):
            expect(moment.locator("text", has_text=said)).to_be_visible()
        neighbours = page.get_by_test_id("neighbours")
        if closings["count"] > 1:
            expect(neighbours).to_contain_text(f"number {closings['place']} of {closings['count']}")
            rows = page.locator("tbody tr")
            expect(rows).to_have_count(closings["count"])
            expect(page.locator("tr[aria-current]")).to_contain_text("yours")
        figures = page.get_by_test_id("figures").inner_text().replace(",", "")
        names = (
            "entry_price",
            "close_price",
            "quantity",
            "margin",
            "profit",
            "requirement",
            "fee",
            "realized_pnl",
        )
        for name in names:
            assert f"{Decimal(receipt[name]).normalize():f}" in figures, name
        tick = page.get_by_test_id("tick")
        for said in ("SIMULATED", "49,799.9", "49,800.0", str(receipt["tick"]["command_offset"])):
            expect(tick).to_contain_text(said)
        assert visit.complaints == []
