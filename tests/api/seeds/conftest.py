"""Fixtures of the seeds' tests: one exchange for all of them, with every price set by the test."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from stack.temporary import temporary_broker
from tests.api.seeds.market import Market
from tests.api.seeds.running import running_market

OF_A_DEFECT: Final = re.compile(r"test_seed_\d{3}_[a-r]_")
# By default one money defect a seed; `reprise test all` runs every one.
SAMPLE: Final = ("test_seed_000_d_", "test_seed_001_a_", "test_seed_002_h_", "test_seed_003_a_", "test_seed_004_c_")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Call the rest of the defects slow, before the slow ones are left out."""
    for item in items:
        if _is_of_this_folder(item) and OF_A_DEFECT.match(item.name) and not item.name.startswith(SAMPLE):
            item.add_marker(pytest.mark.slow)


class SharedMarket:
    """A whole exchange on a broker of its own: it goes on while other tests empty the shared one."""

    def __init__(self) -> None:
        self._running: Market | None = None
        self._servers = ExitStack()

    def started(self, postgres: str, folder: Path) -> Market:
        """Give the exchange that runs, or start one."""
        if self._running is None:
            brokers = self._servers.enter_context(temporary_broker(small=True))
            self._running = self._servers.enter_context(running_market(brokers, postgres, folder))
        return self._running

    def stop(self) -> None:
        """End it, if it runs."""
        self._running = None
        self._servers.close()


SHARED_MARKET: Final = pytest.StashKey[SharedMarket]()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the exchange after this folder's last test: servers that idle slow all tests that follow."""
    if nextitem is None or not _is_of_this_folder(nextitem):
        item.config.stash.setdefault(SHARED_MARKET, SharedMarket()).stop()


@pytest.fixture(scope="module")
def market(pytestconfig: pytest.Config, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The exchange that all files of this folder share."""
    shared = pytestconfig.stash.setdefault(SHARED_MARKET, SharedMarket())
    return shared.started(postgres, tmp_path_factory.mktemp("seeds"))


def _is_of_this_folder(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent
