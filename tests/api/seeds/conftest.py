"""Fixtures of the seeds' tests: one exchange for all of them, with every price set by the test."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from stack.temporary import temporary_broker
from tests.api.seeds.market import Market
from tests.api.seeds.running import running_market
from tests.shared_exchange import shared

OF_A_DEFECT: Final = re.compile(r"test_seed_\d{3}_[a-r]_")
# By default one money defect a seed; `reprise test all` runs every one.
SAMPLE: Final = ("test_seed_000_d_", "test_seed_001_a_", "test_seed_002_h_", "test_seed_003_a_", "test_seed_004_c_")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Call the rest of the defects slow, before the slow ones are left out."""
    for item in items:
        if _is_of_this_folder(item) and OF_A_DEFECT.match(item.name) and not item.name.startswith(SAMPLE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def market(pytestconfig: pytest.Config, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The exchange that all files of this folder share."""
    running = shared(pytestconfig).given(lambda: market_of_its_own(postgres, tmp_path_factory.mktemp("seeds")))
    assert isinstance(running, Market)
    return running


@contextmanager
def market_of_its_own(postgres: str, folder: Path) -> Iterator[Market]:
    """A whole exchange on a broker of its own: it goes on while other tests empty the shared one."""
    with temporary_broker(small=True) as brokers, running_market(brokers, postgres, folder) as running:
        yield running


def _is_of_this_folder(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent
