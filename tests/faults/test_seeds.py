"""A seed decides every fault, and is printed with every failure."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchange_processes import SERVICES
from tests.faults.chaos import plan
from tests.faults.seeds import DEFAULT, VARIABLE, chosen_seed
from tests.faults.test_torn_moments import DICE

FILES = sorted(Path(__file__).parent.glob("*.py"))
# Dice without a seed, and the dice that all of a process share.
UNSEEDED = re.compile(r"\bRandom\(\s*\)|\brandom\.(?:random|uniform|choice|choices|sample|shuffle|randint|randrange)\(")


def test_a_fault_seed_gives_the_same_plan_every_time_and_another_seed_another_plan() -> None:
    assert plan(7, 20, SERVICES) == plan(7, 20, SERVICES)
    assert plan(7, 20, SERVICES) != plan(8, 20, SERVICES)


def test_the_fault_seed_is_the_environment_s_or_the_default_and_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert chosen_seed() == DEFAULT
    monkeypatch.setenv(VARIABLE, "42")
    assert chosen_seed() == 42
    assert capsys.readouterr().out.count("again: REPRISE_FAULT_SEED=") == 2


def test_the_processes_of_a_test_inherit_the_fault_seed(capsys: pytest.CaptureFixture[str], seed: int) -> None:
    assert f"seed {seed};" in capsys.readouterr().out
    assert os.environ[VARIABLE] == str(seed)


def test_an_engine_with_random_deaths_dies_at_the_same_commits_for_the_same_seed(tmp_path: Path) -> None:
    lives = [first_throws(tmp_path / place, life) for place in ("one", "other") for life in range(2)]
    assert lives[:2] == lives[2:]
    assert lives[0] != lives[1], "it would die at the same commit for ever"


def first_throws(folder: Path, life: int) -> str:
    """What one life of the engine throws first."""
    folder.mkdir(exist_ok=True)
    assert len(list(folder.iterdir())) == min(life, 1)
    return subprocess.run(
        [sys.executable, "-c", DICE + "print([dice.random() for _ in range(5)])"],
        cwd=folder,
        env={VARIABLE: "7"},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_test_uses_random_numbers_without_a_seed(path: Path) -> None:
    assert UNSEEDED.findall(path.read_text(encoding="utf-8")) == []


def test_the_check_finds_random_numbers_without_a_seed() -> None:
    assert all(UNSEEDED.search(f"dice = {text}") for text in ("random.Random" + "()", "random.random" + "()"))
