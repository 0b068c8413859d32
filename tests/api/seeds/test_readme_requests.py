"""Each request line of the five READMEs gets its reply in full, and changes the ledger as it must."""

import pytest

from tests.api.seeds.entries import SEEDS
from tests.api.seeds.market import Market
from tests.api.seeds.readme import run_readme

SAMPLE = ("000", "002")  # by default; `reprise test all` sends every README's requests


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=() if number in SAMPLE else pytest.mark.slow) for number in SEEDS]
)
def test_the_requests_of_a_readme_get_their_replies_and_cause_their_ledger_changes(number: str, market: Market) -> None:
    run_readme(market, number)
