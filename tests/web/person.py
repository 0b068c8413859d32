"""What a person does on every page: come in, look, and go on by keyboard; and what the API says to them."""

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.api.exchange import PASSWORD
from tests.processes import eventually


def come_in(page: Page, path: str = "/") -> str:
    """Register somebody new and go to an address; gives their email."""
    email = f"{uuid4().hex}@example.com"
    page.goto("/register")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("balance")).to_have_text("5,000.00")
    if path != "/":
        page.goto(path)
    return email


def come_in_by_keyboard(page: Page) -> None:
    """Register somebody new without a pointer."""
    page.goto("/register")
    page.get_by_test_id("email").wait_for()
    tab_to(page, "email")
    page.keyboard.type(f"{uuid4().hex}@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("balance")).to_have_text("5,000.00")


def told(page: Page, path: str) -> Any:
    """What the API says to the person of the page."""
    get = page.context.request.get
    reply = eventually(lambda: get(f"/api/v1{path}"), lambda reply: "PROJECTION_BEHIND" not in reply.text())
    assert reply.ok, reply.text()
    return json.loads(reply.body())


def shown(page: Page, name: str) -> Decimal:
    """The first figure of a name on the page."""
    return Decimal(page.get_by_test_id(name).first.inner_text().replace(",", ""))


def open_long(page: Page, leverage: str) -> dict[str, Any]:
    """Open the person's only position, on the page; gives it as the API does."""
    page.goto("/trade/BTC_USDC")
    page.get_by_test_id("size").fill("100")
    page.get_by_test_id("leverage").fill(leverage)
    expect(page.get_by_test_id("long")).to_have_attribute("aria-disabled", "false")
    page.get_by_test_id("long").click()
    expect(page.get_by_test_id("done")).to_contain_text("Opened long")
    (position,) = told(page, "/positions")["items"]
    return dict(position)


def tab_to(page: Page, name: str) -> None:
    """Go there by the Tab key alone."""
    for _ in range(120):
        if page.evaluate("document.activeElement?.dataset.testid") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by keyboard")
