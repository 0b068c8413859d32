"""Under any faults of processes, brokers and snapshots, the log is that of an undisturbed engine.

A run is wrong by its seed alone: `SIMULATED_RUN=<seed> ./reprise test tests/simulation` plays it again and shows it.
"""

import multiprocessing
import os
import subprocess
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import pytest

from audit.verify.judges import cores
from runtime.python import python_command
from tests.simulation.run import first_wrong, play

SAMPLE: Final = range(80)
ALL: Final = range(1_000_000, 1_020_000)
AT_ONCE: Final = 500
CHOSEN: Final = os.environ.get("SIMULATED_RUN")

# What the simulation is for, in words of the shell's log and of the brokers'; each of these must come up in the sample.
REACHED: Final = (
    "no snapshot to start from, the whole log is replayed",
    "snapshot passed over",
    "snapshot not published",
    "shard given up",
    "shard followed",
    "takes its owner's place",
    "a shard froze",
    "shards have fallen silent while commands wait",
    "ends itself: a transaction failed",
    "ends itself: expelled from the group",
    "ends itself: paused for longer than the group's session",
    "engine-0: the open transaction of its former owner is aborted",
    "engine-0 a fenced producer is refused",
    "engine-0 committed, but late",
    "engine-0 committed, but the answer was lost",
    "engine-0 not committed: the request was lost",
    "engine-0 committed when asked again, and the first request is on its way",
    "engine-0: a late end of a fenced producer is refused",
    "a shard cannot be taken over yet",
    "a new producer follows on a commit that was slow or disturbed",
    "a member was not heard of for the session",
    "a member did not join in time",
    "a new leader marks an end before the end",
)
# And of what closes a part of a position, each of these.
REDUCED: Final = (
    "PositionReduced",
    "PositionReduced again",
    "OldestReduced",
    "PositionClosed of what was left: manual",
    "PositionClosed of what was left: liquidation",
    "PositionReduced repeated",
    "OldestReduced repeated",
    "ReducePosition refused: ABOVE_MAXIMUM",
    "ReducePosition refused: AMOUNT_NOT_POSITIVE",
    "ReducePosition refused: POSITION_NOT_OPEN",
    "ReducePosition refused: COMMAND_ID_REUSED",
    "ReduceOldest refused: ABOVE_MAXIMUM",
)
# And of what version 2 of the rules brought, before and after an activation, each of these.
SECOND: Final = (
    "RulesActivated",
    "mark counted",
    "mark refused: NOT_THE_LAST_TICK",
    "AllClosed",
    "AllClosed repeated",
    "OpenPosition refused: TOO_MANY_POSITIONS",
    "AccountLimitsSet",
    "ClockSet",
)


@pytest.mark.timeout(300)
def test_a_sample_of_runs_keeps_every_promise_and_includes_every_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts: Counter[str] = Counter()
    became: Counter[str] = Counter()
    for seed in SAMPLE if CHOSEN is None else [int(CHOSEN)]:
        outcome = play(seed)
        assert not outcome.problems, outcome.text()
        counts += outcome.trace.counts
        became += outcome.became
        if CHOSEN is not None:
            with capsys.disabled():
                print(outcome.text())
    if CHOSEN is None:
        assert [what for what in REACHED if not counts[what]] == []
        assert [what for what in (*REDUCED, *SECOND) if not became[what]] == []


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_tens_of_thousands_of_runs_keep_every_promise() -> None:
    parts = [range(first, first + AT_ONCE) for first in range(ALL.start, ALL.stop, AT_ONCE)]
    with ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for wrong in pool.map(first_wrong, parts):
            assert wrong is None, wrong


@pytest.mark.parametrize("seed", [pytest.param(3, marks=pytest.mark.slow), 42])
def test_the_seed_alone_determines_a_run(seed: int) -> None:
    text = play(seed).text()
    assert play(seed).text() == text
    # Neither what ran before nor the order of sets, which differs between processes, has a say.
    other = subprocess.run(
        python_command("-m", "tests.simulation.run", str(seed)),
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert other.stdout.strip() == text.strip()
