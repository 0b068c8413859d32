"""Under load and faults of any part nothing is lost, doubled or reordered, and clients learn their outcomes."""

from pathlib import Path

import pytest

from tests.faults.chaos import OF_ANY_PART, OF_SNAPSHOTS, PAUSES_S, Fault, plan, strike
from tests.faults.judging import audit, everyone_was_told_the_truth, settle, what_happened
from tests.faults.load import Answer, Load
from tests.machine import BROKER, DATABASE, SERVICES, Machine, machine
from tests.processes import eventually

TRADERS = 4
ANY = (*SERVICES, BROKER, DATABASE)
SHORT_PAUSES_S = PAUSES_S[:2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_few_faults_the_books_agree_and_every_client_knows_its_outcomes(tmp_path: Path, seed: int) -> None:
    """A short one of the runs below: each of its faults is of a kind and of a part that the seed says."""
    with machine(tmp_path) as hit:
        trade_through(hit, seed, plan(seed, 3, ANY, pauses_s=SHORT_PAUSES_S))


@pytest.mark.slow
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
        (ANY, 14),
    ],
    ids=["engine", "projector", "api", "market-data", "broker", "database", "any"],
)
def test_after_faults_at_random_moments_the_books_agree_and_every_client_knows_its_outcomes(
    tmp_path: Path, parts: tuple[str, ...], count: int, seed: int
) -> None:
    with machine(tmp_path) as hit:
        answers = trade_through(hit, seed, plan(seed, count, parts, kinds=OF_ANY_PART))
    if parts == ("engine",):
        assert any(answer.resolved for answer in answers), "nobody learned by an id what became of a command"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_after_snapshots_are_spoiled_and_compacted_the_books_agree_and_the_audit_names_the_spoiled(
    tmp_path: Path, seed: int
) -> None:
    # Three slots and a snapshot a second: what is not compacted is overwritten soon.
    with machine(tmp_path, engine_snapshot_interval=1_000, engine_max_snapshots=3) as hit:
        trade_through(hit, seed, plan(seed, 2 * len(OF_SNAPSHOTS), ("engine",), kinds=OF_SNAPSHOTS))


def trade_through(hit: Machine, seed: int, faults: list[Fault]) -> list[Answer]:
    """Start everything, trade through the faults, and check the log and every client's answers."""
    hit.start(*SERVICES)
    hit.until_ready()
    eventually(
        lambda: {hit.exchange.ticker(symbol)["state"] for symbol in ("BTC_USDC", "SOL_USDC")}, {"fresh"}.__eq__, 30
    )
    load = Load(hit.exchange, TRADERS, seed)
    hit.watch()
    load.start()
    eventually(lambda: load.answered, lambda answered: answered > TRADERS, 30)
    spoiled = strike(hit, faults)
    before = load.answered
    hit.until_ready()
    eventually(lambda: load.answered, lambda answered: answered >= before + 2 * TRADERS, 120)
    eventually(lambda: load.reduced, bool, 60)
    answers = load.end()
    settle(hit)
    print(what_happened(hit), f"{len(answers)} answers, {sum(answer.asked > 1 for answer in answers)} asked again")
    audit(hit, spoiled)
    everyone_was_told_the_truth(hit, answers)
    return answers
