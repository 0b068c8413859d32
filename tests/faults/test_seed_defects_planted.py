"""Ten of the seeds' defects about money, each planted in an engine: its test sees it."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from tests.api.seeds.planting import PLANTED, Planted
from tests.api.seeds.running import running_market

# A function of a compiled core cannot be replaced.
PROGRAM = (
    "import os; os.environ['REPRISE_PURE'] = '1'; "
    "from tests.api.seeds.planting import run_planted; run_planted({name!r})"
)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.defect.name)
def test_a_planted_seed_defect_fails_its_test_at_the_line_that_checks_the_defect(
    planted: Planted, kafka: str, postgres: str, tmp_path: Path
) -> None:
    test = getattr(import_module(f"tests.api.seeds.{planted.module}"), planted.test)
    program = PROGRAM.format(name=planted.defect.name)
    with (
        running_market(kafka, postgres, tmp_path, program) as market,
        pytest.raises(AssertionError, match=planted.said) as seen,
    ):
        test(market)
    # Not a market that was not reached, nor somebody who could not register.
    *_, failed = (entry for entry in seen.traceback if entry.frame.code.name == planted.test)
    assert planted.line in str(failed.statement)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.defect.name)
def test_the_line_that_must_find_a_planted_defect_appears_once_in_the_test(planted: Planted) -> None:
    test = getattr(import_module(f"tests.api.seeds.{planted.module}"), planted.test)
    assert inspect.getsource(test).count(planted.line) == 1
