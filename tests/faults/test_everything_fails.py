"""Under load and faults of any part nothing is lost, doubled or reordered, and clients learn their outcomes."""

from pathlib import Path

import pytest

from tests.exchange_processes import BROKER, DATABASE, SERVICES, ExchangeProcesses, running_exchange
from tests.faults.chaos import OF_ANY_PART, OF_SNAPSHOTS, PAUSES_S, Fault, inject, plan
from tests.faults.invariants import assert_replies_match_the_log, count_events, run_audit, wait_until_caught_up
from tests.faults.trading_load import CommandReply, Load
from tests.processes import eventually

TRADERS = 4
ANY = (*SERVICES, BROKER, DATABASE)
SHORT_PAUSES_S = PAUSES_S[:2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_few_faults_the_books_agree_and_every_client_knows_its_outcomes(tmp_path: Path, seed: int) -> None:
    """A short one of the runs below: the seed decides kind and part of each fault."""
    with running_exchange(tmp_path) as processes:
        trade_through(processes, seed, plan(seed, 3, ANY, pauses_s=SHORT_PAUSES_S))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("targets", "count"),
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
    tmp_path: Path, targets: tuple[str, ...], count: int, seed: int
) -> None:
    with running_exchange(tmp_path) as processes:
        answers = trade_through(processes, seed, plan(seed, count, targets, kinds=OF_ANY_PART))
    if targets == ("engine",):
        assert any(answer.resolved for answer in answers), "nobody learned by an id what became of a command"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_after_snapshots_are_spoiled_and_compacted_the_books_agree_and_the_audit_names_the_spoiled(
    tmp_path: Path, seed: int
) -> None:
    # Three slots and a snapshot a second: what is not compacted is overwritten soon.
    with running_exchange(tmp_path, engine_snapshot_interval=1_000, engine_max_snapshots=3) as processes:
        trade_through(processes, seed, plan(seed, 2 * len(OF_SNAPSHOTS), ("engine",), kinds=OF_SNAPSHOTS))


def trade_through(processes: ExchangeProcesses, seed: int, faults: list[Fault]) -> list[CommandReply]:
    """Start everything, trade through the faults, and check the log and every client's answers."""
    processes.start(*SERVICES)
    processes.wait_until_ready()
    eventually(
        lambda: {processes.exchange.ticker(symbol)["state"] for symbol in ("BTC_USDC", "SOL_USDC")},
        {"fresh"}.__eq__,
        30,
    )
    load = Load(processes.exchange, TRADERS, seed)
    processes.restart_what_dies()
    load.start()
    eventually(lambda: load.answered, lambda answered: answered > TRADERS, 30)
    damaged = inject(processes, faults)
    before = load.answered
    processes.wait_until_ready()
    eventually(lambda: load.answered, lambda answered: answered >= before + 2 * TRADERS, 120)
    eventually(lambda: load.reduced, bool, 60)
    answers = load.end()
    wait_until_caught_up(processes)
    print(
        count_events(processes), f"{len(answers)} answers, {sum(answer.attempts > 1 for answer in answers)} asked again"
    )
    run_audit(processes, damaged)
    assert_replies_match_the_log(processes, answers)
    return answers
