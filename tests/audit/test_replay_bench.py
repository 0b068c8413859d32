"""The bench of the audit replays the log it wrote, and checks the full laws at intervals."""

import pytest

from audit.verify import execution
from audit.verify.execution import execute
from audit.verify.reports import JudgeStart
from bench.replay import WAYS, MemoryLog, run, trading_log
from engine.core.state import State, genesis
from schemas.codec import first_digest


@pytest.mark.slow
def test_the_bench_gives_a_rate_for_every_byte_and_for_the_state_alone() -> None:
    found = run(2_000)
    assert [figure.name for figure in found.figures] == [name for name, _ in WAYS]
    assert all(figure.value > 100 and len(figure.runs) == 3 for figure in found.figures)


def test_the_full_laws_are_checked_at_intervals_and_end_the_replay_where_a_law_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def broken(state: State) -> list[str]:
        asked.append(state.next_offset)
        return ["law 1: not kept"] if len(asked) == 3 else []

    monkeypatch.setattr(execution, "broken", broken)
    monkeypatch.setattr(execution, "FULL_LAWS_EVERY", 1)
    monkeypatch.setattr("bench.replay.BATCH", 500)
    log = MemoryLog(*trading_log(5_000))
    report = execute(log, 0, JudgeStart(genesis(0, 1), first_digest(0)), frozenset(), lambda _: None)
    assert len(asked) == 3
    assert report.end is None
    (difference,) = report.differences
    assert (difference.judge, difference.what, difference.offset) == ("laws", "law 1: not kept", asked[2] - 1)
