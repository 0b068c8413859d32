"""The TypeScript client in a real browser, in a page of another origin than the exchange's."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.api.browser import PageServer, browser, page_at_one_of, reported
from tests.api.exchange import Exchange
from tests.api.lossy_link import LossyLink
from tests.client.typescript import compiler, node

# Of development servers; the exchange lets their pages in. Any other port's is let in nowhere.
ALLOWED: Final = (5173, 3200, 8080, 3000, 3001)
ANY_PORT: Final = (0,)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client and the page, built as for a release."""
    browser()
    folder = tmp_path_factory.mktemp("scripts")
    done = node(
        compiler(), "--project", "tsconfig.json", "--noEmit", "false", "--rootDir", ".", "--outDir", str(folder)
    )
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def link(exchange: Exchange) -> Iterator[LossyLink]:
    """The way to the exchange, on which connections are cut."""
    with closing(LossyLink(exchange.settings.port)) as link:
        yield link


def url_of(server: PageServer, host: str, link: LossyLink, step: str) -> str:
    return f"http://{host}:{server.port}/?exchange=http://{host}:{link.port}&step={step}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_a_development_server_trades_follows_each_event_once_and_goes_on_after_a_reload(
    link: LossyLink, scripts: Path, tmp_path: Path, host: str
) -> None:
    with page_at_one_of(ALLOWED, scripts, link.cut) as server:
        assert reported(server, url_of(server, host, link, "trades"), tmp_path / "profile") == "reloaded"


def test_a_page_of_an_origin_that_is_not_allowed_is_refused_by_the_browser(
    link: LossyLink, scripts: Path, tmp_path: Path
) -> None:
    with page_at_one_of(ANY_PORT, scripts, link.cut) as server:
        assert reported(server, url_of(server, "localhost", link, "foreign"), tmp_path / "profile") == "foreign"
