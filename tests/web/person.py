"""What a person does on every page: come in, look, and go on by keyboard; and what the API says to them."""

import json
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.api.exchange import PASSWORD


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


def told(page: Page, path: str) -> Any:
    """What the API says to the person of the page."""
    reply = page.context.request.get(f"/api/v1{path}")
    assert reply.ok, reply.text()
    return json.loads(reply.body())


def tab_to(page: Page, name: str) -> None:
    """Go there by the Tab key alone."""
    for _ in range(120):
        if page.evaluate("document.activeElement?.dataset.testid") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by keyboard")
