"""A standby that comes upon a defect of the log while it fences its owner: what it executed before is not lost."""

import asyncio
import random

import pytest

from tests.simulation.damage import Damage
from tests.simulation.run import History, Outcome
from tests.simulation.sabotage import FROZEN_STANDBY

SEEDS = range(60)


class Scene:
    """The owner stops in its work, commands come, the last one beyond an offset gap; the standby is signalled."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._dice = random.Random(history.seed)

    async def happen(self) -> None:
        history = self._history
        history.network.is_calm = True
        await asyncio.sleep(2.0)  # Both have started by then, and the one follows the other.
        (owner,) = [process for process in history.alive() if process.role == "owner"]
        (standby,) = [process for process in history.alive() if process.role == "standby"]
        owner.pause()
        history.send(0)
        await asyncio.sleep(0.05 * self._dice.random())
        standby.hear_of_death()
        await asyncio.sleep(0.02 * self._dice.random())
        assert history.damage is not None
        history.damage.do(history)
        await asyncio.sleep(7.0)
        owner.kill()

    def end(self) -> None:
        """Resume every paused process."""


def test_a_standby_that_freezes_during_take_over_commits_the_commands_executed_before() -> None:
    for seed in SEEDS:
        outcome = played(seed)
        assert not outcome.problems, outcome.text()


def test_the_scene_of_a_frozen_standby_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FROZEN_STANDBY.place, FROZEN_STANDBY.attribute, FROZEN_STANDBY.wrong)
    assert any(played(seed).problems for seed in SEEDS)


def played(seed: int) -> Outcome:
    history = History(seed)
    history.is_peaceful, history.has_instances, history.has_standbys, history.wanted = False, True, True, 1
    history.span_s = 0.5
    history.damage = Damage("gap at the end", 0, random.Random(seed))
    history.faults = Scene(history)  # type: ignore[assignment]  # What happens and how it ends is all that is asked.
    return history.play()
