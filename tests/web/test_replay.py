"""A person goes through their account again, step by step: each figure is the API's, and each place has an address."""

import json
import re
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, expect

from api.users.administration import add_user
from audit.log.cluster import open_cluster
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from cli.exported_replay import folder_application
from cli.main import call
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange
from tests.threads import serving
from tests.web.axe import faults_of
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import come_in, open_long, shown, told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen", "replaying")]
FIGURES: Final = ("balance", "equity", "used_margin", "unrealized_pnl")


def ledger(page: Page) -> dict[str, Decimal]:
    return {name: shown(page, f"figure-{name}") for name in FIGURES}


def figures(of: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(of[name]) for name in FIGURES}


def here(page: Page) -> int:
    """The offset of the step that is shown."""
    found = re.search(r"Command (\d+)", page.get_by_test_id("step").inner_text())
    assert found is not None
    return int(found[1])


def gone_by_keys(page: Page, closing: int, before: dict[str, Any]) -> None:
    """From the close step by step to the beginning, through the three views, and back by itself."""
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_test_id("replay-event").nth(1)).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(rf"/replay\?offset={closing}&event=1$"))
    page.reload()
    expect(page.get_by_test_id("replay-event").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("step")).not_to_contain_text(f"Command {closing},")
    assert here(page) == before["offset"]
    assert ledger(page) == figures(before["ledger"])
    page.keyboard.press("Home")
    expect(page.get_by_test_id("replay-event").first).to_contain_text("Account opened")
    page.keyboard.press(".")
    expect(page.get_by_test_id("replay-event").first).to_contain_text("Position opened")
    expect(page.get_by_test_id("command")).to_contain_text("a long in BTC_USDC")
    page.keyboard.press("v")
    expect(page.get_by_text("The steps up to here")).to_be_visible()
    page.keyboard.press("v")
    expect(page.get_by_text('"symbol": "BTC_USDC"').first).to_be_visible()
    page.keyboard.press("v")
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press(" ")
    expect(page.get_by_test_id("step")).to_contain_text(f"Command {closing},")
    expect(page.get_by_test_id("play")).to_have_text("Play")


@pytest.mark.parametrize("viewport", [DESKTOP, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["desktop", "320 px"])
def test_ui_replay_01_a_close_s_link_leads_to_its_moment_and_its_steps_are_gone_by_keys(
    exchange: Exchange, browser: Browser, viewport: ViewportSize
) -> None:
    """UI-REPLAY-02 figures, UI-REPLAY-08 keys, UI-REPLAY-09 addresses, UI-REPLAY-10 views, UI-REPLAY-14 the bundle."""
    exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
    exchange.until_fresh("BTC_USDC", "49999.9")
    with Visit(browser, exchange, viewport) as visit:
        page = visit.page
        come_in(page)
        position = open_long(page, "20")
        low = Decimal(position["liquidation_price"])
        exchange.price("BTC_USDC", str(low), str(low + Decimal("0.1")))
        page.get_by_test_id("unasked").get_by_role("link").click()
        page.get_by_test_id("replay-link").click()
        expect(page.get_by_test_id("step")).to_be_visible()
        closed = told(page, "/positions/" + position["id"])
        receipt = told(page, f"/receipts/{closed['receipt_id']}")
        assert here(page) == receipt["command_offset"]
        expect(page.get_by_test_id("replay-event").last).to_contain_text("Position closed")
        expect(page.get_by_test_id("replay-position")).to_contain_text("closed")
        expect(page.get_by_text("was 100.00")).to_be_visible()
        steps = told(page, f"/audit/replay/steps?before={here(page) + 1}")["steps"]
        assert ledger(page) == figures(steps[-1]["ledger"])
        assert Decimal(told(page, "/account")["balance"]) == ledger(page)["balance"]
        expect(page).to_have_url(re.compile(rf"/replay\?offset={receipt['command_offset']}$"))

        gone_by_keys(page, receipt["command_offset"], steps[-2])
        page.get_by_test_id("when").fill(position["id"])
        page.get_by_test_id("go").click()
        expect(page.get_by_test_id("step")).to_contain_text(f"Command {receipt['command_offset']},")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert faults_of(page) == []
        with page.expect_download() as download:
            page.get_by_test_id("bundle").click()
        assert download.value.suggested_filename.endswith(".zip")
        # On a loaded machine a question waits for another longer than it may, and is asked again.
        assert [each for each in visit.complaints if "429" not in each] == []
        assert visit.elsewhere == []


def test_ui_replay_11_an_exported_log_is_replayed_by_the_same_page_without_an_exchange(
    exchange: Exchange, browser: Browser, tmp_path: Path
) -> None:
    """UI-REPLAY-12 only who has the key sees it. UI-REPLAY-15 the badge says what was verified."""
    user = exchange.new_user()
    account = user.get("/account")["account_id"]
    export_log(open_cluster(exchange.settings), tmp_path / "taken", shard=None, to={})
    verdict = tmp_path / "verdict.json"
    verified = ["audit", "verify", "--log", str(tmp_path / "taken"), "--processes", "1", "--allow-pending"]
    assert call([*verified, "--no-database", "--verdict", str(verdict)]) == 0
    (port,) = free_ports(1)
    app = folder_application(FolderLog(tmp_path / "taken"), "taken", "the-key", verdict)
    base = f"http://127.0.0.1:{port}"
    with serving(uvicorn.Config(app, port=port, log_config=None, lifespan="off")):
        asked_of = f"{base}/api/v1/audit/replay?account={account}"
        assert httpx.get(asked_of).status_code == 403
        assert httpx.get(asked_of, cookies={"replay": "another"}).status_code == 403
        assert httpx.get(f"{base}/replay", headers={"Host": "evil.example"}).status_code == 400
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{base}/replay?key=the-key")
        assert urlsplit(page.url).query == ""
        expect(page.get_by_text("From the exported log taken")).to_be_visible()
        page.get_by_test_id("replay-account").fill(account)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("replay-event").first).to_be_visible()
        page.keyboard.press("Home")
        expect(page.get_by_test_id("replay-event").first).to_contain_text("Account opened")
        expect(page.get_by_test_id("figure-balance")).to_have_text("5,000.00")
        expect(page.get_by_test_id("verdict")).to_contain_text("✓ Verified")
        page.get_by_test_id("verdict").click()
        expect(page.get_by_test_id("verdict-digest")).to_have_text(sha256(verdict.read_bytes()).hexdigest())
        expect(page.get_by_text("This step is among what was verified.")).to_be_visible()
        assert faults_of(page) == []
        assert complaints == []
        context.close()


def test_ui_replay_13_a_visitor_who_is_not_signed_in_finds_the_way_to_the_login(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, DESKTOP) as visit:
        visit.page.goto("/replay")
        expect(visit.page.get_by_role("link", name="Log in to replay your account")).to_be_visible()
        assert json.loads(exchange.http.get("/api/v1/audit/replay").content)["code"] == "NOT_AUTHENTICATED"


def test_ui_replay_16_an_administrator_replays_any_account_and_a_user_their_own(
    exchange: Exchange, browser: Browser
) -> None:
    other = exchange.new_user()
    account = other.get("/account")["account_id"]
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        come_in(page)
        page.goto(f"/replay?account={account}")
        expect(page.get_by_text("This could not be replayed. You may not do this.")).to_be_visible()
        page.goto("/replay")
        expect(page.get_by_test_id("replay-event").first).to_be_visible()
        expect(page.get_by_test_id("replay-account")).to_be_hidden()
        expect(page.get_by_test_id("verdict")).to_have_text("Not verified yet")
    email = f"{uuid4().hex}@example.com"
    add_user(exchange.settings, email, "admin", PASSWORD)
    with Visit(browser, exchange, DESKTOP) as visit:
        page = visit.page
        page.goto("/login")
        page.get_by_test_id("email").fill(email)
        page.get_by_test_id("password").fill(PASSWORD)
        page.get_by_test_id("enter").click()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.goto("/replay")
        page.get_by_test_id("replay-account").fill(account)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("replay-event").first).to_contain_text("Account opened")
        expect(page).to_have_url(re.compile(f"account={account}"))
