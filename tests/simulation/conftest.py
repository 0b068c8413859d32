"""With SIMULATED_RUN, which names one run by its seed, that run is all of the simulation that is played."""

import os
from pathlib import Path

import pytest

PLAYS_IT = "test_a_sample_of_runs_keeps_every_promise_and_includes_every_fault"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "SIMULATED_RUN" not in os.environ:
        return
    others = [item for item in items if item.path.parent == Path(__file__).parent and item.name != PLAYS_IT]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
