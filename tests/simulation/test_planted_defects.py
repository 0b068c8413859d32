"""A wrong decision of the shell is found within a few runs: the simulation can fail."""

import pytest
from msgspec.structs import replace

from audit.verify.verify import Verdict, VerifyRequest, verify
from tests.audit.logs import MemoryLog
from tests.simulation import judge
from tests.simulation.run import play
from tests.simulation.sabotage import SABOTAGES, Sabotage


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "sabotage",
    [
        # Every fourth by default; `reprise test all` plants the others too.
        pytest.param(sabotage, id=sabotage.name, marks=pytest.mark.slow if number % 4 else ())
        for number, sabotage in enumerate(SABOTAGES)
    ],
)
def test_a_planted_defect_of_the_shell_is_found(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sabotage.place, sabotage.attribute, sabotage.wrong)
    assert any(play(seed).problems for seed in range(sabotage.seeds)), "no run shows it"


def test_an_audit_silent_about_a_spoiled_snapshot_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent_of_snapshots(log: MemoryLog, request: VerifyRequest) -> Verdict:
        verdict = verify(log, request)
        return replace(verdict, differences=[each for each in verdict.differences if each.judge != "snapshots"])

    monkeypatch.setattr(judge, "verify", silent_of_snapshots)
    assert any("does not name the spoiled" in problem for seed in range(50) for problem in play(seed).problems)
