"""The tabs below the chart: what is in each is the exchange's, however much it is, and what stands in it stays text.

Longer than 300 lines because its tests share one exchange, which starts once for each file.
"""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import NullPool, create_engine, text

from tests.api.exchange import Exchange
from tests.web.axe import faults_of
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import come_in, tab_to, told
from tests.web.test_pages import SIZES

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
TABS: Final = ("positions", "orders", "history", "fills", "ledger", "alerts", "venue", "statements")
SCRIPT: Final = "<script>window.planted=1</script><img src=x onerror='window.planted=1'>"
MANY: Final = 10_000
TIME: Final = "2026-01-02T03:04:05.000006Z"
BTC: Final = {"symbol": "BTC_USDC", "side": "long"}
# What the projector writes of the venue, of one account.
VENUE_ROWS: Final = (
    """INSERT INTO ledger.venue_orders (account_id, order_id, status, symbol, side, type, quantity, price,
    executed_quantity, executed_quote, created_at, updated_at) VALUES
    (:account, 'first', 'partially_filled', 'BTCUSDT', 'buy', 'LIMIT', 0.02, 49500, 0.005, 247.5, 1, 2)""",
    """INSERT INTO ledger.venue_orders (account_id, order_id, status, symbol, side, type, quantity,
    executed_quantity, executed_quote, code, message, created_at, updated_at) VALUES
    (:account, 'second', 'rejected', 'ETHUSDT', 'sell', 'MARKET', 1, 0, 0, '-2010',
    'Account has insufficient balance for requested action.', 3, 4)""",
    """INSERT INTO ledger.venue_fills (partition, seq, line, account_id, order_id, symbol, side, trade_id, time, price,
    quantity, commission, commission_asset, counts) VALUES
    (99, 1, 0, :account, 'first', 'BTCUSDT', 'buy', 1, 1, 49000, 0.01, 0, 'BTC', false)""",
    "INSERT INTO ledger.venue_positions VALUES (:account, 'BTCUSDT', 0.005, 247.5, -1.25, 2)",
)
# A row of each list, as the API writes it.
ROWS: Final[dict[str, dict[str, Any]]] = {
    "orders": dict(BTC, command_id="c", status="rejected", type="market", code="PRICE_STALE"),
    "history": dict(
        BTC,
        status="closed",
        quantity="0.02000",
        leverage="10.00",
        margin="100.000000",
        entry_price="50000.0",
        close_price="50100.0",
        realized_pnl="1.000000",
        close_reason="manual",
        opened_at=TIME,
        closed_at=TIME,
        receipt_id="0-1",
    ),
    "fills": dict(
        BTC,
        time=TIME,
        order_id=None,
        position_id="0-1",
        action="open",
        price="50000.0",
        quantity="0.02000",
        fee="0.500000",
        realized_pnl=None,
        reason=None,
        event_id="0-1",
    ),
    "ledger": {
        "time": TIME,
        "kind": "deposit",
        "amount": "1.000000",
        "balance_after": "1.000000",
        "position_id": None,
        "event_id": "0-1",
    },
    "alerts": {
        "symbol": "BTC_USDC",
        "direction": "above",
        "price": "60000.0",
        "note": SCRIPT,
        "status": "triggered",
        "created_at": TIME,
        "triggered_at": TIME,
        "triggered_price": "60000.05",
    },
}
PATHS: Final = {"orders": "orders", "history": "positions", "fills": "fills", "ledger": "ledger", "alerts": "alerts"}


@pytest.fixture
def visit(exchange: Exchange, browser: Browser) -> Iterator[Visit]:
    with Visit(browser, exchange, DESKTOP) as made:
        yield made
        assert made.elsewhere == []


def come_to_trade(page: Page) -> None:
    come_in(page)
    page.goto("/trade/BTC_USDC")
    expect(page.get_by_test_id("tab-positions")).to_be_visible()


def look_at(page: Page, tab: str) -> None:
    page.get_by_test_id(f"tab-{tab}").click()


def test_ui_tab_01_the_tabs_are_gone_through_by_keyboard_and_a_tab_without_rows_says_what_to_do(visit: Visit) -> None:
    """UI-TAB-04 is the second half."""
    page = visit.page
    come_to_trade(page)
    tab_to(page, "tab-positions")
    for tab in TABS:
        selected = page.locator("[role=tab][aria-selected=true]")
        expect(selected).to_have_attribute("data-testid", f"tab-{tab}")
        expect(page.get_by_role("tabpanel")).not_to_contain_text("Loading…")
        assert len(page.get_by_role("tabpanel").inner_text()) > 20, tab
        page.keyboard.press("ArrowRight")
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_attribute("data-testid", "tab-positions")
    page.keyboard.press("End")
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_attribute("data-testid", "tab-statements")
    page.keyboard.press("Home")
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_attribute("data-testid", "tab-positions")
    assert visit.complaints == []


def test_ui_tab_02_the_tabs_count_what_there_is_and_the_orders_say_what_became_of_each(
    exchange: Exchange, visit: Visit
) -> None:
    """UI-TAB-03 is the second half."""
    page = visit.page
    come_to_trade(page)
    expect(page.get_by_test_id("tab-alerts")).to_have_text("Alerts 0")
    expect(page.get_by_test_id("tab-orders")).to_have_text("Orders")
    page.get_by_test_id("size").fill("100")
    page.get_by_test_id("long").click()
    expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 1")
    refused = page.context.request.post(
        "/api/v1/orders",
        data={"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "90000", "leverage": "10"},
        headers={"Idempotency-Key": "too-much", "Origin": exchange.url},
    )
    assert refused.status == 409, refused.text()
    look_at(page, "orders")
    expect(page.get_by_test_id("outcome")).to_have_count(2)
    expect(page.get_by_test_id("outcome").nth(1)).to_have_text("filled")
    expect(page.get_by_test_id("outcome").nth(0)).to_contain_text("refused: ")
    expect(page.get_by_test_id("tab-orders")).to_have_text("Orders 2")
    items = told(page, "/orders")["items"]
    assert len(items) == 2
    for at, order in enumerate(items):
        # Minutes and seconds: which hour it is, the person's time zone says.
        expect(page.locator("[role=tabpanel] tbody th").nth(at)).to_contain_text(order["decided_at"][14:19])
    assert visit.complaints == []


def test_ui_alert_01_an_alert_is_set_counted_reached_shown_until_it_is_read_and_deleted(
    exchange: Exchange, visit: Visit
) -> None:
    """UI-ALERT-03 is how it is told, and UI-ALERT-04 what its note is."""
    page = visit.page
    come_to_trade(page)
    look_at(page, "alerts")
    page.get_by_test_id("alert-price").fill("50,500")
    page.get_by_test_id("alert-note").fill(SCRIPT)
    page.get_by_test_id("alert-send").click()
    expect(page.get_by_test_id("alert-state")).to_have_text("waits")
    expect(page.get_by_test_id("tab-alerts")).to_have_text("Alerts 1")
    [alert] = told(page, "/alerts")["items"]
    assert (alert["price"], alert["direction"], alert["note"]) == ("50500.0", "above", SCRIPT)
    page.get_by_test_id("alert-price").fill("50,500.05")
    page.get_by_test_id("alert-send").click()
    expect(page.get_by_test_id("alert-failure")).to_have_text("There are too many decimal places.")
    page.goto("/account")
    expect(page.get_by_test_id("account-balance")).to_have_text("5,000.00")
    exchange.confirmed_price("BTC_USDC", "50599.9", "50600.0")
    expect(page.get_by_test_id("unasked")).to_contain_text("BTC_USDC reached 50500.0")
    expect(page.get_by_test_id("unasked")).to_contain_text(SCRIPT)
    page.wait_for_timeout(7_000)  # Longer than what a person did is told.
    page.get_by_role("button", name="Read").click()
    page.goto("/trade/BTC_USDC")
    expect(page.get_by_test_id("tab-alerts")).to_have_text("Alerts 0")
    look_at(page, "alerts")
    expect(page.get_by_test_id("alert-state")).to_have_text("triggered")
    expect(page.get_by_test_id("alert-note-shown")).to_have_text(SCRIPT)
    page.get_by_test_id("alert-delete").click()
    expect(page.get_by_text("You have no alert.")).to_be_visible()
    assert told(page, "/alerts")["items"] == []
    assert page.evaluate("window.planted") is None
    assert visit.complaints == []
    exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")


@pytest.mark.slow
def test_ui_alert_02_an_alert_whose_price_is_there_already_is_refused_in_words(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    come_to_trade(page)
    middle = exchange.ticker("BTC_USDC")["mid"]
    page.route("**/api/v1/alerts", lambda route: reached(route, middle))
    look_at(page, "alerts")
    page.get_by_test_id("alert-price").fill("50,500")
    page.get_by_test_id("alert-send").click()
    expect(page.get_by_test_id("alert-failure")).to_have_text("The price is there already.")
    expect(page.get_by_test_id("tab-alerts")).to_have_text("Alerts 0")


def reached(route: Route, middle: str) -> None:
    """Ask for the direction in which the price is already."""
    body = json.loads(route.request.post_data or "{}") | {"direction": "below"}
    assert middle < body["price"]
    route.continue_(post_data=json.dumps(body))


@pytest.mark.slow
def test_ui_tab_07_a_statement_of_a_period_is_downloaded_as_it_is_at_the_exchange(visit: Visit) -> None:
    page = visit.page
    come_to_trade(page)
    look_at(page, "statements")
    page.get_by_test_id("period").select_option("everything")
    with page.expect_download() as downloaded:
        page.get_by_test_id("statement-csv").click()
    assert downloaded.value.suggested_filename.endswith(".csv")
    lines = list(csv.DictReader(StringIO(downloaded.value.path().read_text(encoding="utf-8"))))
    ledger = told(page, "/ledger")["items"]
    assert [(line["id"], line["amount"]) for line in lines] == [(line["id"], line["amount"]) for line in ledger]
    with page.expect_download() as downloaded:
        page.get_by_test_id("statement-json").click()
    statement = json.loads(downloaded.value.path().read_text(encoding="utf-8"))
    assert (statement["items"], statement["closing_balance"]) == (ledger, "5000.000000")
    page.get_by_test_id("period").select_option("days")
    page.get_by_test_id("period-first").fill("2026-02-01")
    page.get_by_test_id("period-last").fill("2026-01-01")
    page.get_by_test_id("statement-csv").click()
    expect(page.get_by_test_id("statement-failure")).to_contain_text("The last day is before the first")
    page.get_by_test_id("period-first").fill("2020-01-01")
    page.get_by_test_id("period-last").fill("2020-01-31")
    with page.expect_download() as downloaded:
        page.get_by_test_id("statement-json").click()
    assert downloaded.value.suggested_filename == "statement_2020-01-01_2020-01-31.json"
    statement = json.loads(downloaded.value.path().read_text(encoding="utf-8"))
    assert (statement["from"], statement["items"]) == ("2020-01-01T00:00:00.000000Z", [])
    assert statement["to"] == "2020-02-01T00:00:00.000000Z"
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_tab_09_the_venue_tab_says_whether_keys_are_stored_and_leads_to_where_they_are(visit: Visit) -> None:
    page = visit.page
    come_to_trade(page)
    look_at(page, "venue")
    expect(page.get_by_test_id("venue-status")).to_contain_text("You have stored no keys")
    page.get_by_role("link", name="Store or forget them in your account").click()
    page.get_by_test_id("venue-key").fill("a-key")
    page.get_by_test_id("venue-secret").fill("a-secret")
    page.get_by_test_id("venue-store").click()
    expect(page.get_by_test_id("venue-stored")).to_have_text("Keys are stored.")
    page.goto("/trade/BTC_USDC")
    look_at(page, "venue")
    expect(page.get_by_test_id("venue-status")).to_contain_text("Your keys are stored")
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_tab_09_the_venue_tab_shows_what_became_of_each_order_there_and_what_a_reset_undid(
    visit: Visit, exchange: Exchange
) -> None:
    page = visit.page
    come_to_trade(page)
    account = told(page, "/account")["account_id"]
    database = create_engine(exchange.settings.database_url, poolclass=NullPool)
    with database.begin() as db:
        for row in VENUE_ROWS:
            db.execute(text(row), {"account": account})
    look_at(page, "venue")
    rows = page.locator("[role=tabpanel] .window tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("refused: Account has insufficient balance")
    for figure in ("buy BTCUSDT", "0.02", "49,500", "0.005", "filled in part"):
        expect(rows.nth(1)).to_contain_text(figure)
    expect(page.get_by_test_id("venue-compared")).to_contain_text("compared with the venue's every 30 s")
    expect(page.get_by_test_id("venue-undone")).to_contain_text("1 execution was undone by a reset of the venue")
    expect(page.get_by_role("table", name="Held at the venue")).to_contain_text("BTCUSDT0.00549,500-1.25")
    assert faults_of(page) == []
    assert visit.complaints == []


def serve_many(page: Page, tab: str) -> None:
    """Answer a list's questions with ten thousand rows, page by page as the API does."""
    row = ROWS[tab]
    kind = "order_id" if tab == "orders" else "id"

    def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(asked.get("cursor", ["0"])[0]), int(asked["limit"][0])
        if route.request.method != "GET" or (tab == "history" and asked.get("status") != ["closed"]):
            route.continue_()
            return
        end = min(MANY, start + limit)
        items = [row | {kind: f"0-{number + 1}"} for number in range(start, end)]
        route.fulfill(json={"items": items, "next_cursor": str(end) if end < MANY else None})

    page.route(f"**/api/v1/{PATHS[tab]}?*", answer)


@pytest.mark.parametrize(
    "tab", ["alerts", *(pytest.param(tab, marks=pytest.mark.slow) for tab in ROWS if tab != "alerts")]
)
def test_ui_tab_08_of_ten_thousand_rows_of_a_tab_at_most_a_hundred_are_in_the_document(visit: Visit, tab: str) -> None:
    page = visit.page
    serve_many(page, tab)
    come_to_trade(page)
    look_at(page, tab)
    table = page.get_by_role("tabpanel").locator("table")
    expect(table).to_be_visible()
    most = page.evaluate(
        """async (many) => {
            const panel = document.querySelector("[role=tabpanel] .window");
            const table = panel.querySelector("table");
            let most = 0;
            for (let frames = 0; frames < 20000; frames++) {
                most = Math.max(most, table.querySelectorAll("tbody tr").length);
                const isEnd = panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 2;
                if (isEnd && Number(table.getAttribute("aria-rowcount")) > many) break;
                panel.scrollTop = panel.scrollHeight;
                await new Promise(requestAnimationFrame);
            }
            return most;
        }""",
        MANY,
    )
    assert 10 < most <= 102  # And two that stand for those above and below.
    expect(table).to_have_attribute("aria-rowcount", str(MANY + 1))
    expect(table.locator("tbody tr").last).to_have_attribute("aria-rowindex", str(MANY + 1))
    expect(page.get_by_test_id(f"tab-{tab}")).to_contain_text("Alerts 0" if tab == "alerts" else f" {MANY}")
    assert page.evaluate("window.planted") is None
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_tab_05_a_list_that_is_read_again_stays_until_the_new_one_is_there(visit: Visit) -> None:
    page = visit.page
    serve_many(page, "ledger")
    come_to_trade(page)
    look_at(page, "ledger")
    expect(page.get_by_test_id("tab-ledger")).to_have_text("Ledger 200+")
    page.evaluate(
        """() => {
            window.least = Infinity;
            const rows = () => document.querySelectorAll("[role=tabpanel] tbody tr").length;
            const watch = () => { window.least = Math.min(window.least, rows()); requestAnimationFrame(watch); };
            watch();
        }"""
    )
    with page.expect_response("**/api/v1/ledger?*"):
        reply = page.context.request.post("/api/v1/demo/deposit", data={"amount": "1"})
    assert reply.ok, reply.text()
    expect(page.get_by_test_id("balance")).to_have_text("5,001.00")
    assert page.evaluate("window.least") > 10


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ui_access_01_axe_finds_no_fault_on_a_tab_or_an_account_of_somebody_who_is_signed_in(
    exchange: Exchange, browser: Browser, scheme: str
) -> None:
    with Visit(browser, exchange, DESKTOP, scheme) as visit:
        page = visit.page
        come_in(page, "/account")
        page.get_by_test_id("key-create").click()
        expect(page.get_by_test_id("fresh")).to_be_visible()
        assert faults_of(page) == []
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("size").fill("100")
        page.get_by_test_id("long").click()
        expect(page.get_by_test_id("close")).to_be_visible()
        for tab in TABS:
            look_at(page, tab)
            expect(page.get_by_role("tabpanel")).not_to_contain_text("Loading…")
            assert faults_of(page) == [], tab


@pytest.mark.parametrize(
    "viewport", [NARROW, *(pytest.param(size, marks=pytest.mark.slow) for size in SIZES[1:])], ids=["320", "768", "4K"]
)
def test_ui_access_02_nothing_runs_over_the_edge_of_an_account_or_a_tab_of_somebody_who_is_signed_in(
    exchange: Exchange, browser: Browser, viewport: Any
) -> None:
    with Visit(browser, exchange, viewport) as visit:
        page = visit.page
        come_in(page, "/account")
        page.get_by_test_id("key-create").click()
        expect(page.get_by_test_id("fresh")).to_be_visible()
        expect(page.get_by_test_id("session")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.goto("/trade/BTC_USDC")
        page.get_by_test_id("size").fill("100")
        page.get_by_test_id("long").click()
        expect(page.get_by_test_id("close")).to_be_visible()
        for tab in TABS:
            look_at(page, tab)
            expect(page.get_by_role("tabpanel")).not_to_contain_text("Loading…")
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], tab
