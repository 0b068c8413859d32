"""Whatever part fails, whenever, under load: nothing is lost, doubled or reordered, and clients learn what happened."""

import os
from pathlib import Path

import pytest

from faults.chaos import plan, strike
from faults.judging import audit, everyone_was_told_the_truth, settle, what_happened
from faults.load import Load
from machine import BROKER, DATABASE, SERVICES, machine
from processes import eventually

pytestmark = pytest.mark.slow

# Another seed is another run: REPRISE_FAULT_SEED=7 ./reprise test tests/faults
SEED = int(os.environ.get("REPRISE_FAULT_SEED", "20261121"))
TRADERS = 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("parts", "count"),
    [
        (("engine",), 8),
        (("projector",), 6),
        (("api",), 5),
        (("market-data",), 5),
        ((BROKER,), 4),
        ((DATABASE,), 4),
        ((*SERVICES, BROKER, DATABASE), 14),
    ],
    ids=["engine", "projector", "api", "market-data", "broker", "database", "any"],
)
def test_after_faults_at_random_moments_the_books_agree_and_everyone_knows(
    tmp_path: Path, parts: tuple[str, ...], count: int
) -> None:
    print(f"seed {SEED}")
    with machine(tmp_path) as hit:
        hit.start(*SERVICES)
        hit.until_ready()
        eventually(
            lambda: {hit.exchange.ticker(symbol)["state"] for symbol in ("BTC_USDC", "SOL_USDC")}, {"fresh"}.__eq__, 30
        )
        load = Load(hit.exchange, TRADERS, SEED)
        hit.watch()
        load.start()
        eventually(lambda: load.answered, lambda answered: answered > TRADERS, 30)
        strike(hit, plan(SEED, count, parts))
        before = load.answered
        hit.until_ready()
        eventually(lambda: load.answered, lambda answered: answered >= before + 2 * TRADERS, 120)
        eventually(lambda: load.reduced, bool, 60)
        answers = load.end()
        settle(hit)
        print(what_happened(hit), f"{len(answers)} answers, {sum(answer.asked > 1 for answer in answers)} asked again")
        audit(hit)
        everyone_was_told_the_truth(hit, answers)
