"""A real browser before a real exchange: what the tests of the screen stand on."""

from collections.abc import Iterator
from typing import Final, Protocol, Self
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright

from stack import screen
from tests.api.browser import browser as find_browser
from tests.api.conftest import exchange, replaying

__all__ = ["exchange", "replaying"]

TIMEOUT_MS: Final = 60_000  # A loaded machine takes its time, and nothing is expected of it but to get there.
DESKTOP: Final = ViewportSize(width=1280, height=900)
NARROW: Final = ViewportSize(width=320, height=640)
# A browser says by itself that a request was answered 401, as nobody is signed in before they sign in; and that a
# socket was closed that was not open yet, of a market that is left at once.
EXPECTED: Final = ("401 (Unauthorized)", "closed before the connection is established")


@pytest.fixture(scope="session")
def built_screen() -> None:
    """The screen of the sources that are there."""
    screen.build(print)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


class Served(Protocol):
    """Whatever serves the screen."""

    url: str


class Visit:
    """A page, and all that it complained of and asked other hosts for."""

    def __init__(self, browser: Browser, exchange: Served, viewport: ViewportSize, scheme: str = "light") -> None:
        context = browser.new_context(
            viewport=viewport,
            base_url=exchange.url,
            locale="en-US",
            timezone_id="UTC",
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.page: Page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self._own = urlsplit(exchange.url).netloc
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._see)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(each in message.text for each in EXPECTED):
            self.complaints.append(f"{message.text} on {urlsplit(self.page.url).path}")

    def _see(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in {"data", "blob"} and place.netloc != self._own:
            self.elsewhere.append(request.url)
