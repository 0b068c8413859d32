"""The page of a person's account: each act is done on it at a real exchange, and what must stay secret or text does.

Longer than 300 lines because its tests share one exchange, which starts once for each file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Browser, Page, Route, expect

from reprise_client import SyncClient
from reprise_client.signing import ApiKey
from tests.api.exchange import PASSWORD, Exchange
from tests.web.conftest import DESKTOP, NARROW, Visit
from tests.web.person import come_in, tab_to, told

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("built_screen")]
NEW: Final = "staple of another horse"
SCRIPT: Final = "<script>window.planted=1</script><img src=x onerror='window.planted=1'>"


@pytest.fixture
def visit(exchange: Exchange, browser: Browser) -> Iterator[Visit]:
    with Visit(browser, exchange, DESKTOP) as made:
        yield made
        assert made.elsewhere == []


def sign_in(exchange: Exchange, email: str, password: str) -> httpx.Response:
    """Sign in from another device."""
    credentials = {"email": email, "password": password}
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
    return httpx.post(f"{exchange.url}/api/v1/auth/login", json=credentials, headers=headers)


def test_ui_account_01_a_person_changes_their_password_and_every_other_session_ends(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    email = come_in(page, "/account")
    assert sign_in(exchange, email, PASSWORD).status_code == 200
    page.reload()
    expect(page.get_by_test_id("session")).to_have_count(2)
    page.get_by_test_id("password-now").fill(PASSWORD)
    page.get_by_test_id("password-new").fill(NEW)
    page.get_by_test_id("password-again").fill(f"{NEW}!")
    page.get_by_test_id("password-send").click()
    expect(page.get_by_test_id("password-failure")).to_have_text("The two new passwords differ.")
    page.get_by_test_id("password-again").fill(NEW)
    page.get_by_test_id("password-send").click()
    expect(page.get_by_test_id("done")).to_contain_text("The password is changed")
    expect(page.get_by_test_id("session")).to_have_count(1)
    expect(page.get_by_test_id("password-now")).to_have_value("")
    assert sign_in(exchange, email, PASSWORD).status_code == 401
    assert sign_in(exchange, email, NEW).status_code == 200
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_01_a_wrong_password_is_refused_in_words_and_nothing_changes(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    email = come_in(page, "/account")
    for name, text in (("now", "wrong"), ("new", NEW), ("again", NEW)):
        page.get_by_test_id(f"password-{name}").fill(text)
    page.get_by_test_id("password-send").click()
    expect(page.get_by_test_id("password-failure")).to_have_text("That is not your password.")
    assert sign_in(exchange, email, PASSWORD).status_code == 200


@pytest.mark.slow
def test_ui_account_02_a_person_sees_where_they_are_signed_in_and_ends_a_session(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    email = come_in(page)
    token = sign_in(exchange, email, PASSWORD).json()["access_token"]
    page.get_by_test_id("to-account").click()
    rows = page.get_by_role("region", name="Sessions").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Chrome on Linux")
    expect(rows.nth(1)).to_contain_text("this one")
    expect(rows.nth(2)).to_contain_text("Firefox on Linux")
    expect(rows.nth(2)).to_contain_text("127.0.0.0/24")
    page.get_by_role("button", name="End the session on Firefox on Linux").click()
    expect(rows).to_have_count(2)
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{exchange.url}/api/v1/auth/me", headers=headers).status_code == 401
    assert page.evaluate("document.activeElement.id") == "sessions-title"
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_03_a_person_logs_out_everywhere_after_a_question(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    email = come_in(page, "/account")
    token = sign_in(exchange, email, PASSWORD).json()["access_token"]
    page.get_by_test_id("everywhere").click()
    page.keyboard.press("Escape")
    assert told(page, "/auth/me")["email"] == email
    page.get_by_test_id("everywhere").click()
    page.get_by_test_id("everywhere-send").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{exchange.url}/api/v1/auth/me", headers=headers).status_code == 401


def test_ui_account_06_a_key_s_private_half_is_shown_once_never_sent_and_its_file_signs(
    exchange: Exchange, visit: Visit, tmp_path: Path
) -> None:
    page = visit.page
    come_in(page, "/account")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.get_by_test_id("key-name").fill("My bot")
    page.get_by_test_id("scope-trade").check()
    page.get_by_test_id("key-create").click()
    expect(page.get_by_test_id("fresh")).to_be_visible()
    with page.expect_download() as downloaded:
        page.get_by_test_id("fresh-download").click()
    file = tmp_path / "key.pem"
    downloaded.value.save_as(file)
    assert downloaded.value.suggested_filename == "reprise-my-bot.pem"
    pem = page.get_by_test_id("fresh-pem").input_value()
    assert file.read_text(encoding="ascii") == pem
    private = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    with SyncClient(exchange.url, api_key=ApiKey(page.get_by_test_id("fresh-id").input_value(), private)) as program:
        assert str(program.account().balance) == "5000.000000"
    digits = pem.split("\n")[1]
    assert not any(digits in text for text in sent)
    page.get_by_test_id("fresh-kept").click()
    expect(page.get_by_test_id("fresh")).to_be_hidden()
    page.reload()
    expect(page.get_by_test_id("key")).to_have_text("My bot")
    assert digits not in page.content()
    [saved] = told(page, "/api-keys")["items"]
    assert (saved["name"], saved["scopes"]) == ("My bot", ["read", "trade"])
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_07_a_key_is_pasted_and_revoked_after_a_question(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    come_in(page, "/account")
    page.get_by_test_id("key-paste").check()
    page.get_by_test_id("key-public").fill("no key")
    page.get_by_test_id("key-create").click()
    expect(page.get_by_test_id("key-failure")).to_have_text("This is no public key of Ed25519.")
    page.get_by_test_id("key-public").fill("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    page.get_by_test_id("key-create").click()
    expect(page.get_by_test_id("key")).to_have_text("without a name")
    page.get_by_test_id("key-revoke").click()
    page.get_by_test_id("key-revoke-send").click()
    expect(page.get_by_text("You have no API key.")).to_be_visible()
    assert told(page, "/api-keys")["items"] == []
    assert page.evaluate("document.activeElement.id") == "keys-title"
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_08_keys_of_the_venue_are_stored_never_shown_again_and_forgotten(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    come_in(page, "/account")
    expect(page.get_by_test_id("venue-stored")).to_have_text("No keys are stored.")
    page.get_by_test_id("venue-key").fill("the-key-of-a-testnet")
    page.get_by_test_id("venue-secret").fill("the-secret-of-a-testnet")
    page.get_by_test_id("venue-store").click()
    expect(page.get_by_test_id("venue-stored")).to_have_text("Keys are stored.")
    for name in ("venue-key", "venue-secret"):
        expect(page.get_by_test_id(name)).to_have_value("")
    page.reload()
    expect(page.get_by_test_id("venue-stored")).to_have_text("Keys are stored.")
    assert "of-a-testnet" not in page.content()
    page.get_by_test_id("venue-forget").click()
    page.get_by_test_id("venue-forget-send").click()
    expect(page.get_by_test_id("venue-stored")).to_have_text("No keys are stored.")
    assert told(page, "/venue-keys") == {"stored": False}
    assert visit.complaints == []


def test_ui_account_09_a_person_who_leaves_types_their_email_and_is_gone(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    email = come_in(page, "/account")
    expect(page.get_by_test_id("session")).to_have_count(1)
    page.get_by_test_id("delete").click()
    page.get_by_test_id("delete-typed").fill("somebody@example.com")
    page.get_by_test_id("delete-send").click()
    expect(page.get_by_test_id("delete-failure")).to_have_text("That is not your e-mail.")
    page.get_by_test_id("delete-typed").fill(email.upper())
    page.get_by_test_id("delete-send").click()
    expect(page.get_by_test_id("done")).to_contain_text("The account is deleted")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert sign_in(exchange, email, PASSWORD).status_code == 401
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_09_whose_login_is_old_types_their_password_too(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    email = come_in(page)

    def old(route: Route) -> None:
        reply = route.fetch()
        sessions = json.loads(reply.body())
        for session in sessions["items"]:
            session["created_at"] = "2026-01-01T00:00:00.000000Z"
        route.fulfill(response=reply, body=json.dumps(sessions))

    page.route("**/api/v1/auth/sessions", old)
    page.goto("/account")
    expect(page.get_by_test_id("session")).to_have_count(1)
    page.get_by_test_id("delete").click()
    page.get_by_test_id("delete-typed").fill(email)
    page.get_by_test_id("delete-password").fill("wrong")
    page.get_by_test_id("delete-send").click()
    expect(page.get_by_test_id("delete-failure")).to_have_text("E-mail or password is wrong.")
    page.get_by_test_id("delete-password").fill(PASSWORD)
    page.get_by_test_id("delete-send").click()
    expect(page.get_by_test_id("done")).to_contain_text("The account is deleted")
    assert sign_in(exchange, email, PASSWORD).status_code == 401


@pytest.mark.slow
def test_ui_account_10_demo_money_comes_in_and_a_withdrawal_shows_its_outcome(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    come_in(page, "/account")
    page.get_by_test_id("deposit").fill("a lot")
    page.get_by_test_id("deposit-send").click()
    expect(page.get_by_test_id("deposit-failure")).to_have_text("This is no number.")
    page.get_by_test_id("deposit").fill("1k")
    page.get_by_test_id("deposit-send").click()
    expect(page.get_by_test_id("account-balance")).to_have_text("6,000.00")
    page.get_by_test_id("deposit").fill("200,000")
    page.get_by_test_id("deposit-send").click()
    expect(page.get_by_test_id("deposit-failure")).to_have_text("That is more than can be deposited in a day.")
    page.get_by_test_id("withdraw").fill("1,000.5")
    page.get_by_test_id("withdraw-note").fill(SCRIPT)
    page.get_by_test_id("withdraw-send").click()
    expect(page.get_by_test_id("withdrawal")).to_have_text("paid out")
    expect(page.get_by_test_id("account-balance")).to_have_text("4,999.50")
    assert told(page, "/account")["balance"] == "4999.500000"
    page.get_by_test_id("withdraw").fill("9000")
    page.get_by_test_id("withdraw-send").click()
    expect(page.get_by_test_id("withdrawal").first).to_contain_text("There is not enough free margin.")
    assert page.evaluate("window.planted") is None


def test_ui_account_11_a_script_in_a_name_or_an_email_stays_text(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    come_in(page)

    def scripted(route: Route) -> None:
        reply = route.fetch()
        user = json.loads(reply.body()) | {"email": f"{SCRIPT}@example.com", "name": SCRIPT, "roles": [SCRIPT]}
        route.fulfill(response=reply, body=json.dumps(user))

    page.route("**/api/v1/auth/me", scripted)
    page.goto("/account")
    expect(page.get_by_test_id("account-email")).to_have_text(f"{SCRIPT}@example.com")
    page.get_by_test_id("key-name").fill(SCRIPT)
    page.get_by_test_id("key-create").click()
    expect(page.get_by_test_id("fresh")).to_contain_text(SCRIPT)
    page.get_by_test_id("fresh-kept").click()
    expect(page.get_by_test_id("key")).to_have_text(SCRIPT)
    page.get_by_test_id("key-revoke").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"What {SCRIPT} signs")
    assert page.evaluate("window.planted") is None
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_account_12_everything_of_an_account_is_done_by_keyboard_alone_at_320_px(
    exchange: Exchange, browser: Browser
) -> None:
    with Visit(browser, exchange, NARROW) as visit:
        page = visit.page
        come_in(page)
        tab_to(page, "to-account")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
        tab_to(page, "deposit")
        page.keyboard.type("10")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("account-balance")).to_have_text("5,010.00")
        tab_to(page, "key-name")
        page.keyboard.type("by keyboard")
        page.keyboard.press("Enter")
        page.get_by_test_id("fresh").wait_for()
        tab_to(page, "fresh-kept")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("key")).to_have_text("by keyboard")
        tab_to(page, "key-revoke")
        page.keyboard.press("Enter")
        tab_to(page, "key-revoke-send")
        page.keyboard.press("Enter")
        expect(page.get_by_text("You have no API key.")).to_be_visible()
        tab_to(page, "everywhere")
        page.keyboard.press("Enter")
        tab_to(page, "everywhere-send")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert visit.complaints == []


def test_ui_account_13_a_page_without_a_session_or_whose_session_ended_elsewhere_leads_to_the_login(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    page.goto("/account")
    expect(page.get_by_role("heading", name="Log in to see your account")).to_be_visible()
    come_in(page, "/account")
    expect(page.get_by_test_id("session")).to_have_count(1)
    assert page.context.request.post("/api/v1/auth/logout-everywhere").status == 204
    # Nothing needs to be pressed: the account's stream ends with the session.
    expect(page.get_by_role("heading", name="Log in to see your account")).to_be_visible()


def keep(page: Page, name: str, value: str) -> None:
    page.get_by_role("button", name="Settings").click()
    page.get_by_label(name).select_option(value)
    page.keyboard.press("Escape")


def test_ui_setting_01_a_theme_and_colours_are_kept_in_this_browser(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()"
    light = page.evaluate(ground)
    keep(page, "Theme", "dark")
    keep(page, "Colours", "blue_orange")
    assert page.evaluate(ground) != light
    up = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--up').trim()")
    page.goto("/account")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("data-colours", "blue_orange")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--up').trim()") == up
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_setting_02_a_time_zone_and_a_number_format_are_those_of_every_figure_at_once(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    come_in(page, "/account")
    expect(page.get_by_test_id("account-balance")).to_have_text("5,000.00")
    keep(page, "Numbers", "de-DE")
    expect(page.get_by_test_id("account-balance")).to_have_text("5.000,00")
    begun = page.get_by_role("region", name="Sessions").get_by_role("row").nth(1).get_by_role("cell").nth(1)
    in_utc = begun.inner_text()
    keep(page, "Time zone", "Asia/Tokyo")
    expect(begun).not_to_have_text(in_utc)
    page.get_by_test_id("deposit").fill("1.000,5")
    page.get_by_test_id("deposit-send").click()
    expect(page.get_by_test_id("account-balance")).to_have_text("6.000,50")
    page.reload()
    expect(page.get_by_test_id("account-balance")).to_have_text("6.000,50")


@pytest.mark.slow
def test_ui_setting_03_without_a_confirmation_a_close_closes_at_once(exchange: Exchange, visit: Visit) -> None:
    page = visit.page
    come_in(page)
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Ask before a close").uncheck()
    page.keyboard.press("Escape")
    page.goto("/trade/BTC_USDC")
    page.get_by_test_id("size").fill("100")
    page.get_by_test_id("long").click()
    page.get_by_test_id("close").click()
    expect(page.get_by_test_id("tab-positions")).to_have_text("Positions 0")
    assert visit.complaints == []


@pytest.mark.slow
def test_ui_setting_04_what_is_kept_and_means_nothing_any_more_is_as_if_it_were_not_there(
    exchange: Exchange, visit: Visit
) -> None:
    page = visit.page
    page.goto("/")
    for kept in ("{", '{"theme":"<script>","colours":7,"zone":"Mars/Olympus","locale":"xx-toolong-xx-1"}', "null"):
        page.evaluate("text => localStorage.setItem('reprise.settings', text)", kept)
        page.reload()
        expect(page.get_by_test_id("size")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("data-theme", "system")
    assert visit.complaints == []
