"""Ten of the seeds' defects about money, each planted in an engine: its test sees it."""

from importlib import import_module
from pathlib import Path

import pytest

from api.seeds.planting import PLANTED, Planted
from api.seeds.running import running_market

TESTS = Path(__file__).parents[1]
PROGRAM = "import sys; sys.path.insert(0, {tests!r}); from api.seeds.planting import run_planted; run_planted({name!r})"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.defect.name)
def test_its_test_sees_it(planted: Planted, kafka: str, postgres: str, tmp_path: Path) -> None:
    test = getattr(import_module(f"api.seeds.{planted.module}"), planted.test)
    program = PROGRAM.format(tests=str(TESTS), name=planted.defect.name)
    with running_market(kafka, postgres, tmp_path, program) as market, pytest.raises(AssertionError):
        test(market)
