"""A defect of one tick or one micro is found three times: by the specification, by the laws, by the naive engine."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.core import rules
from tests.properties.defect import Defect
from tests.properties.market import Market
from tests.properties.plant import DEFECTS, plant
from tests.properties.plant_newest import NEWEST_RULES
from tests.spec.exchange import RULES

ALL = DEFECTS + NEWEST_RULES
FILES = sorted(path.stem for path in (Path(__file__).parent.parent / "spec").glob("test_*.py"))
# Imported before anything is planted, so that no test holds on to a defect.
SPECIFICATION = [import_module(f"tests.spec.{name}") for name in FILES]
# The twin's market takes long to come to where these show.
TAKES_LONG = ("part's share", "a mark counts", "fire by age", "never too old")
# What is generated depends on the modules that are loaded: a defect that one run finds by its hundredth market, another
# finds by its thousandth.
BOUNDED = settings(
    max_examples=2_000,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class Laws(Market):
    """The market with its laws, fold and calculator, and no other engine."""

    with_twin = False


class Twin(Market):
    """The market beside the naive engine, and nothing else."""

    with_laws = False


def named(defect: Defect) -> str:
    """Name a case."""
    return defect.name


def sampled(defects: Iterable[Defect], every: int) -> list[Any]:
    """Every so-many-th defect by default; `reprise test all` plants the others too."""
    return [
        pytest.param(defect, id=named(defect), marks=pytest.mark.slow if number % every else ())
        for number, defect in enumerate(defects)
    ]


@pytest.mark.pure
@pytest.mark.parametrize("defect", sampled(ALL, 4))
def test_the_specification_finds_a_planted_defect(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, defect)
    assert any(fails(test) for test in specification())


@pytest.mark.pure
@pytest.mark.parametrize("defect", sampled([defect for defect in ALL if defect.laws], 4))
def test_the_laws_and_the_calculator_find_a_planted_defect(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, defect)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Laws, settings=BOUNDED)


@pytest.mark.pure
@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(defect, marks=pytest.mark.slow if any(part in named(defect) for part in TAKES_LONG) else ())
        for defect in ALL
        if defect.twin
    ],
    ids=named,
)
def test_the_naive_engine_finds_a_planted_defect(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, defect)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Twin, settings=BOUNDED)


def test_without_a_planted_defect_no_check_fails() -> None:
    assert not any(fails(test) for test in specification())
    few = settings(BOUNDED, max_examples=30)
    run_state_machine_as_test(Laws, settings=few)
    run_state_machine_as_test(Twin, settings=few)


def specification() -> Iterator[Callable[[], None]]:
    """Give every case of every test of the specification, under each version of the rules that it is about."""
    for module in SPECIFICATION:
        for test in vars(module).values():
            if inspect.isfunction(test) and test.__name__.startswith("test_"):
                for version in versions(test, module):
                    yield from cases(test, version)


def versions(test: Callable[..., None], module: ModuleType) -> tuple[int, ...]:
    """Give the versions that a test names, or else its module; all where neither does."""
    for marked in (test, module):
        marks = getattr(marked, "pytestmark", [])
        for mark in marks if isinstance(marks, list) else [marks]:
            if mark.name == "rules":
                return tuple(mark.args)
    return tuple(rules.RULES)


def cases(test: Callable[..., None], version: int) -> Iterator[Callable[[], None]]:
    """Give a test once for each of its parameters."""
    tables = []
    for mark in getattr(test, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names, rows = mark.args
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
        tables.append([dict(zip(names, row if len(names) > 1 else (row,), strict=True)) for row in rows])
    for row in product(*tables):
        parameters = {name: value for part in row for name, value in part.items()}
        yield partial(run, test, version, parameters)


def run(test: Callable[..., None], version: int, parameters: dict[str, Any]) -> None:
    """Run one case, as pytest would."""
    token, wanted = RULES.set(version), inspect.signature(test).parameters
    with pytest.MonkeyPatch.context() as patch:
        fixtures = {"rules_version": version, "monkeypatch": patch}
        try:
            test(**parameters, **{name: value for name, value in fixtures.items() if name in wanted})
        finally:
            RULES.reset(token)


def fails(test: Callable[[], None]) -> bool:
    """Run one case: it fails by an assertion, or by not finding what it looks for."""
    try:
        test()
    except (AssertionError, LookupError):
        return True
    return False
