"""A wrong decision of the shell is found within a few runs: the simulation can fail."""

import pytest

from simulation.run import play
from simulation.sabotage import SABOTAGES, Sabotage


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_it_is_found(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sabotage.place, sabotage.attribute, sabotage.wrong)
    assert any(play(seed).problems for seed in range(sabotage.seeds)), "no run shows it"
