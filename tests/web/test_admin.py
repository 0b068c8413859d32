"""An administrator sees how the exchange stands and changes it on the screen; nobody else does.

Longer than 300 lines because all of it looks at the page of one exchange.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from api.users.administration import add_user
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange, User, service
from tests.api.test_rules import administrator
from tests.processes import eventually
from tests.web.axe import faults_of
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
WIDE: Final = ViewportSize(width=3840, height=2160)


@pytest.fixture(scope="module")
def admin(exchange: Exchange) -> User:
    return administrator(exchange)


@pytest.fixture(scope="module")
def trader(exchange: Exchange) -> User:
    """Somebody with positions on both sides."""
    user = exchange.new_user()
    user.opened(margin="100", leverage="40")
    user.opened(side="short", margin="50", leverage="10")
    user.opened(symbol="ETH_USDC", margin="20", leverage="90")
    return user


@pytest.fixture(scope="module")
def confirming(exchange: Exchange) -> Iterator[Exchange]:
    """The same exchange by an API process whose transfers wait for a second administrator."""
    settings = exchange.settings.model_copy(update={"port": free_ports(1)[0], "money_confirmations": 1})
    with service("api", settings, exchange.folder) as api:
        running = Exchange(settings, exchange.folder)
        running.until_ready(api)
        yield running
        running.close()


def sign_in(page: Page, email: str) -> None:
    reply = page.context.request.post("/api/v1/auth/login", data={"email": email, "password": PASSWORD})
    assert reply.ok, reply.text()


def open_admin(page: Page, email: str) -> None:
    sign_in(page, email)
    page.goto("/admin")
    expect(page.get_by_test_id("overview")).to_be_visible()


def numbers(row: Locator) -> list[Decimal]:
    """The figures of a row, as far as they are numbers."""
    cells = [cell.replace(",", "").removesuffix("x") for cell in row.get_by_role("cell").all_inner_texts()]
    return [Decimal(cell) for cell in cells if cell.strip() and cell.strip().lstrip("+-").replace(".", "").isdigit()]


def confirm(page: Page, typed: str | None = None) -> None:
    """Answer what is asked, and wait for what became of it."""
    if typed is not None:
        page.get_by_test_id("typed").fill(typed)
    page.get_by_test_id("confirm").click()
    page.get_by_test_id("outcome").wait_for()


def close_dialog(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_ui_admin_01_the_page_names_to_others_who_may_see_the_page_and_how_an_administrator_is_made(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/admin")
        expect(page.get_by_role("heading", name="Only administrators may see this page")).to_be_visible()
        page.get_by_test_id("gate").get_by_role("link", name="Log in").click()
        page.get_by_test_id("email").wait_for()
        user = exchange.new_user()
        sign_in(page, user.email)
        page.goto("/admin")
        gate = page.get_by_test_id("gate")
        expect(gate).to_contain_text(user.email)
        expect(gate).to_contain_text("403")
        expect(gate).to_contain_text("./reprise user add EMAIL --role admin")
        expect(page.get_by_role("link", name="Administration")).to_have_count(0)
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_admin_02_an_auditor_sees_all_of_the_page_and_has_no_button_that_changes_anything(
    exchange: Exchange, browser: Browser, trader: User
) -> None:
    """Neither has the exchange a way for them: what they may not do is refused as ROLE_READ_ONLY."""
    email = f"{uuid4().hex}@example.com"
    add_user(exchange.settings, email, "auditor", PASSWORD)
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, email)
        expect(page.get_by_test_id("read-only")).to_be_visible()
        expect(page.get_by_test_id("market-BTC_USDC")).to_be_visible()
        expect(page.get_by_test_id("rung long 50.00")).to_be_visible()
        for name in ("halted", "parameters", "define", "money", "approve"):
            expect(page.get_by_test_id(name)).to_have_count(0)
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_admin_03_a_person_who_loses_the_role_loses_the_page_while_looking(
    exchange: Exchange, browser: Browser
) -> None:
    boss = administrator(exchange)
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, boss.email)
        expect(page.get_by_role("link", name="Administration")).to_be_visible()
        add_user(exchange.settings, boss.email, "user", PASSWORD)
        expect(page.get_by_role("heading", name="Only administrators may see this page")).to_be_visible()


@pytest.mark.slow
def test_ui_admin_04_the_overview_and_the_exposure_follow_the_exchange_s_figures(
    exchange: Exchange, browser: Browser, admin: User, trader: User
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/")
        sign_in(page, admin.email)
        page.goto("/")
        page.get_by_role("link", name="Administration").click()
        expect(page.get_by_test_id("feed")).to_contain_text("SIMULATED")
        expect(page.get_by_test_id("lag")).to_have_text("Everything is level")
        fund = Decimal(told(page, "/admin/insurance-fund")["balance"])
        expect(page.get_by_test_id("fund")).to_have_text(f"{fund:,.2f} USDC")
        expect(page.get_by_test_id("waiting")).to_have_text("Nothing waits")
        before = numbers(page.get_by_test_id("exposure-BTC_USDC"))
        assert before == figures_of(told(page, "/admin/exposure"), "BTC_USDC")
        trader.opened(margin="10", leverage="2")
        eventually(
            lambda: (
                numbers(page.get_by_test_id("exposure-BTC_USDC")),
                figures_of(told(page, "/admin/exposure"), "BTC_USDC"),
            ),
            lambda seen: seen[0] == seen[1] != before,
        )
        net = sum(Decimal(each["net_notional"]) for each in told(page, "/admin/exposure")["items"])
        assert Decimal(page.get_by_test_id("net").inner_text().replace(",", "")) == net
        assert visit.complaints == []
        assert visit.elsewhere == []


def figures_of(exposure: Any, symbol: str) -> list[Decimal]:
    [market] = [each for each in exposure["items"] if each["symbol"] == symbol]
    long, short = market["long"], market["short"]
    return [
        Decimal(long["positions"] + short["positions"]),
        *(Decimal(each["quantity"]) for each in (long, short)),
        *(Decimal(each["notional"]) for each in (long, short)),
        *(Decimal(market[name]) for name in ("net_notional", "unrealized_pnl")),
    ]


@pytest.mark.slow
def test_ui_admin_05_the_liquidation_ladder_is_the_exchange_s_of_one_market_or_of_all(
    exchange: Exchange, browser: Browser, admin: User, trader: User
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        ladder = told(page, "/admin/liquidations")
        names = ("positions", "accounts", "entry_notional", "shortfall")
        for rung in ladder["together"]:
            row = page.get_by_test_id(f"rung {rung['side']} {rung['move']}")
            assert numbers(row) == [Decimal(rung[name]) for name in names]
            expect(row.locator("svg")).to_have_attribute("aria-hidden", "true")
        assert any(rung["positions"] for rung in ladder["together"])
        page.get_by_test_id("ladder-of").select_option("ETH_USDC")
        for rung in (each for each in ladder["items"] if each["symbol"] == "ETH_USDC"):
            row = page.get_by_test_id(f"rung {rung['side']} {rung['move']}")
            assert numbers(row) == [Decimal(rung[name]) for name in ("price", *names)]


def test_ui_admin_06_a_market_is_halted_by_its_typed_symbol_and_orders_say_so_until_it_opens_again(
    exchange: Exchange, browser: Browser, admin: User, trader: User
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit, Visit(browser, exchange, DESKTOP) as other:
        sign_in(other.page, trader.email)
        other.page.goto("/trade/BTC_USDC")
        ticket = other.page.get_by_test_id("long")
        other.page.get_by_test_id("size").fill("10")
        expect(ticket).to_have_attribute("aria-disabled", "false")
        page = visit.page
        open_admin(page, admin.email)
        market = page.get_by_test_id("market-BTC_USDC")
        market.get_by_test_id("halted").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("In BTC_USDC nothing is opened, closed or liquidated")
        expect(dialog).to_contain_text("open there now")
        page.get_by_test_id("typed").fill("ETH_USDC")
        expect(page.get_by_test_id("confirm")).to_have_attribute("aria-disabled", "true")
        page.get_by_test_id("typed").press("Enter")
        assert told(page, "/admin/instruments")["items"][0]["status"] == "open", "a wrong symbol sends nothing"
        confirm(page, "BTC_USDC")
        expect(page.get_by_test_id("outcome")).to_have_text("In force in every shard.")
        close_dialog(page)
        expect(market.get_by_test_id("status")).to_have_text("halted")
        expect(ticket).to_have_attribute("aria-disabled", "true")
        expect(other.page.get_by_text("The market is halted: nothing opens or closes.")).to_be_visible()
        expect(other.page.get_by_test_id("market-status")).to_have_text("HALTED")
        market.get_by_test_id("open").click()
        confirm(page)
        close_dialog(page)
        expect(market.get_by_test_id("status")).to_have_text("open")
        expect(ticket).to_have_attribute("aria-disabled", "false")
        assert visit.complaints == other.complaints == []


@pytest.mark.slow
def test_ui_admin_07_a_new_market_is_checked_in_words_and_shows_up_for_everybody(
    exchange: Exchange, browser: Browser, admin: User
) -> None:
    base = f"N{uuid4().hex[:6].upper()}"
    symbol = f"{base}_USDC"
    with Visit(browser, exchange, DESKTOP) as visit, Visit(browser, exchange, DESKTOP) as other:
        other.page.goto("/trade/BTC_USDC")
        choice = other.page.get_by_role("combobox", name="Market")
        expect(choice).not_to_contain_text(symbol)
        page = visit.page
        open_admin(page, admin.email)
        form = page.locator("#new-market")
        page.get_by_test_id("define").click()
        expect(form).to_contain_text("A number is needed.")
        assert page.evaluate("document.activeElement?.dataset.testid") == "base", "the first wrong field has the focus"
        for wrong, said in (("btc", "There is such a market already"), ("B-T", "Capital letters and digits")):
            page.get_by_test_id("base").fill(wrong)
            expect(form).to_contain_text(said)
        page.get_by_test_id("base").fill(base.lower())
        page.get_by_test_id("priceDecimals").fill("5")
        expect(form).to_contain_text("Both places together are at most 6")
        page.get_by_test_id("quantityDecimals").fill("1")
        page.get_by_test_id("quantityMax").fill("1.55")
        expect(form).to_contain_text("too many decimal places")
        page.get_by_test_id("quantityMax").fill("250,000.5")
        page.get_by_test_id("define").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Prices move in steps of 0.00001, quantities in steps of 0.1")
        expect(dialog).to_contain_text("This cannot be undone")
        confirm(page, symbol)
        expect(page.get_by_test_id("outcome")).to_have_text("In force in every shard.")
        expect(choice).to_contain_text(symbol)
        page.get_by_role("link", name=f"To {symbol}").click()
        expect(page.get_by_role("heading", name=symbol, exact=True)).to_be_attached()
        defined = next(each for each in told(page, "/admin/instruments")["items"] if each["symbol"] == symbol)
        assert (defined["tick_size"], defined["lot_size"], defined["quantity_max"]) == ("0.00001", "0.1", "250000.5")
        assert visit.complaints == other.complaints == []


@pytest.mark.slow
def test_ui_admin_08_of_a_market_s_parameters_only_what_was_changed_is_sent_after_it_was_shown(
    exchange: Exchange, browser: Browser, admin: User
) -> None:
    def parameters(page: Page) -> Any:
        return next(each for each in told(page, "/admin/instruments")["items"] if each["symbol"] == "SOL_USDC")

    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        before = parameters(page)
        page.get_by_test_id("market-SOL_USDC").get_by_test_id("parameters").click()
        expect(page.get_by_test_id("go-on")).to_have_attribute("aria-disabled", "true")
        page.get_by_test_id("fee_rate").fill("a lot")
        expect(page.get_by_role("dialog")).to_contain_text("This is no number.")
        page.get_by_test_id("fee_rate").fill("0.0005")
        page.get_by_test_id("leverage_max").fill("100000")
        page.get_by_test_id("go-on").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Largest leverage: 100 becomes 100,000")
        expect(dialog).to_contain_text("as a fraction of the notional: 0 becomes 0.0005")
        page.get_by_test_id("confirm").click()
        expect(dialog.get_by_role("alert")).to_contain_text("must be at most 1000")
        assert parameters(page) == before, "what the exchange refuses changes nothing"
        dialog.get_by_role("button", name="Cancel").click()
        page.get_by_test_id("leverage_max").fill("50")
        page.get_by_test_id("go-on").click()
        confirm(page)
        expect(page.get_by_test_id("outcome")).to_have_text("In force in every shard.")
        close_dialog(page)
        assert parameters(page) == before | {"fee_rate": "0.000500", "leverage_max": "50.00"}
        expect(page.get_by_test_id("market-SOL_USDC")).to_contain_text("50x")


@pytest.mark.slow
def test_ui_admin_09_money_waits_for_another_administrator_to_approve_or_reject(
    exchange: Exchange, confirming: Exchange, browser: Browser, admin: User
) -> None:
    user = exchange.new_user()
    account = user.get("/account")["account_id"]
    with Visit(browser, confirming, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        for amount in ("1,000", "77.5"):
            page.get_by_test_id("find-account").fill(account)
            page.get_by_role("button", name="Find").click()
            page.get_by_role("row", name=account).get_by_test_id("money").click()
            page.get_by_test_id("go-on").click()
            expect(page.get_by_role("dialog")).to_contain_text("A number is needed.")
            page.get_by_test_id("amount").fill(amount)
            page.get_by_test_id("go-on").click()
            expect(page.get_by_role("dialog")).to_contain_text(f"USDC come into the account {account}")
            confirm(page)
            expect(page.get_by_test_id("outcome")).to_have_text("It waits for another administrator.")
            close_dialog(page)
        expect(page.get_by_test_id("waiting")).to_have_text("2 wait for a decision")
        waiting = told(page, "/admin/transfers?status=pending")["items"]
        own = page.get_by_test_id(f"transfer-{waiting[0]['id']}")
        expect(own).to_contain_text("You asked for it: another administrator decides.")
        expect(own.get_by_test_id("approve")).to_have_count(0)
        assert user.get("/account")["balance"] == "5000.000000"
    with Visit(browser, confirming, DESKTOP) as visit:
        page = visit.page
        open_admin(page, administrator(exchange).email)
        of = {each["amount"]: page.get_by_test_id(f"transfer-{each['id']}") for each in waiting}
        of["1000.000000"].get_by_test_id("approve").click()
        expect(page.get_by_role("dialog")).to_contain_text("cannot be taken back")
        confirm(page)
        expect(page.get_by_test_id("outcome")).to_have_text("It is done.")
        close_dialog(page)
        of["77.500000"].get_by_test_id("reject").click()
        page.get_by_test_id("note").fill("no such payment")
        confirm(page)
        expect(page.get_by_test_id("outcome")).to_have_text("It is rejected.")
        close_dialog(page)
        expect(page.get_by_test_id("waiting")).to_have_text("Nothing waits")
        eventually(lambda: user.get("/account")["balance"], lambda balance: balance == "6000.000000")
        [rejected] = told(page, f"/admin/transfers?account_id={account}&status=rejected")["items"]
        assert rejected["acts"][-1]["note"] == "no such payment"
        assert visit.complaints == []


@pytest.mark.slow
def test_ui_admin_10_accounts_are_listed_with_their_money_and_without_anything_of_their_users(
    exchange: Exchange, browser: Browser, admin: User, trader: User
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        own = trader.get("/account")
        row = page.get_by_role("row", name=own["account_id"])
        expect(row).to_contain_text(f"{Decimal(own['balance']):,.2f}")
        expect(row).to_contain_text(str(len(trader.get("/positions")["items"])))
        # As the trader reads it: in percent.
        expect(row).to_contain_text(" %")
        assert trader.email not in page.content()
        replay = row.get_by_role("link", name=own["account_id"])
        expect(replay).to_have_attribute("href", f"/replay?account={own['account_id']}")
        page.get_by_test_id("find-account").fill("nobody")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("There is no such account.")).to_be_visible()
        page.get_by_role("button", name="All", exact=True).click()
        expect(row).to_be_visible()


@pytest.mark.slow
def test_ui_admin_11_a_halt_is_done_by_keyboard_alone_and_the_focus_comes_back_to_its_button(
    exchange: Exchange, browser: Browser, admin: User
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        page.get_by_test_id("market-SOL_USDC").get_by_test_id("close_only").focus()
        page.keyboard.press("Enter")
        page.get_by_test_id("confirm").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement?.dataset.testid") == "confirm"
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        assert page.evaluate("document.activeElement?.dataset.testid") == "close_only"
        assert told(page, "/admin/instruments")["items"][2]["status"] == "open", "Escape changes nothing"
        page.keyboard.press("Enter")
        page.get_by_test_id("confirm").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("outcome")).to_have_text("In force in every shard.")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("market-SOL_USDC").get_by_test_id("status")).to_have_text("close only")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_ui_admin_12_axe_finds_no_fault_on_the_administration_and_its_dialogs(
    exchange: Exchange, browser: Browser, admin: User, trader: User, scheme: str
) -> None:
    with Visit(browser, exchange, DESKTOP, scheme) as visit:
        page = visit.page
        open_admin(page, admin.email)
        assert faults_of(page) == []
        page.get_by_test_id("market-ETH_USDC").get_by_test_id("halted").click()
        page.get_by_test_id("typed").wait_for()
        assert faults_of(page) == []
        page.keyboard.press("Escape")
        page.get_by_test_id("market-ETH_USDC").get_by_test_id("parameters").click()
        page.get_by_test_id("fee_rate").fill("wrong")
        assert faults_of(page) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "viewport", [pytest.param(NARROW, id="320 px"), pytest.param(WIDE, id="4K", marks=pytest.mark.slow)]
)
def test_ui_admin_13_nothing_of_the_administration_runs_over_the_edge_of_the_page_and_tables_scroll_in_themselves(
    exchange: Exchange, browser: Browser, admin: User, trader: User, viewport: ViewportSize
) -> None:
    with Visit(browser, exchange, viewport) as visit:
        page = visit.page
        open_admin(page, admin.email)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.get_by_test_id("market-ETH_USDC").get_by_test_id("halted").click()
        page.get_by_test_id("typed").wait_for()
        box = page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= viewport["width"]


@pytest.mark.slow
def test_ui_admin_14_a_page_without_a_server_names_the_time_of_its_figures_and_goes_on_by_itself(
    exchange: Exchange, browser: Browser, admin: User
) -> None:
    api = exchange.services["api"]
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        open_admin(page, admin.email)
        api.kill()
        expect(page.get_by_text("What is shown is of")).to_be_visible()
        expect(page.get_by_test_id("overview")).to_be_visible()
        api.restart()
        expect(page.get_by_text("What is shown is of")).to_be_hidden(timeout=180_000)
