"""Without a new producer after a doubtful commit a transaction is torn, and the successor completes its command."""

from collections import Counter

import pytest

from tests.simulation import producer
from tests.simulation.judge import TORN
from tests.simulation.run import play
from tests.simulation.sabotage import REST_DROPPED, UNGUARDED

SEEDS = range(60)
OFTEN = 0.2
TORN_ONCE = "engine-0: a late request ends the next transaction"
COMPLETED = "the committed events end in the middle of a command"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "ASKED_TWICE", OFTEN)


@pytest.mark.timeout(300)
def test_a_torn_transaction_is_found_and_all_else_is_as_if_nothing_was_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UNGUARDED.place, UNGUARDED.attribute, UNGUARDED.wrong)
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        outcome = play(seed)
        assert [problem for problem in outcome.problems if TORN not in problem] == [], outcome.text()
        counts += outcome.trace.counts
    assert counts[TORN_ONCE] > 1
    assert counts[COMPLETED] > 1


@pytest.mark.timeout(300)
def test_with_a_new_producer_after_each_doubtful_commit_nothing_is_torn() -> None:
    for seed in SEEDS:
        outcome = play(seed)
        assert not outcome.problems, outcome.text()


def test_a_successor_that_drops_the_rest_of_a_command_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for planted in (UNGUARDED, REST_DROPPED):
        monkeypatch.setattr(planted.place, planted.attribute, planted.wrong)
    assert any(TORN not in problem for seed in SEEDS for problem in play(seed).problems)
