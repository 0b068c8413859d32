"""The core is compiled once where this machine can, and says in one line what is missing where it cannot."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.state import genesis
from engine.core.step import step
from runtime.python import python_command
from schemas import compiled
from schemas.commands import Deposit
from stack import compiling
from stack.compiling import compile_core
from tests.house.project import ROOT

DEPOSIT = Deposit(command_id="c", account_id="a", amount=1)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An environment of its own without any build."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.delenv("REPRISE_PURE", raising=False)
    yield tmp_path
    assert not list(tmp_path.glob("compiled/in-progress-*")), "nothing half made is left"


def test_a_missing_compiler_is_named_in_one_line_at_each_start(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    said: list[str] = []
    assert not compile_core(said.append)
    assert not compile_core(said.append)
    (line, again) = said
    assert line == again
    assert "no C compiler was found" in line
    assert line.endswith(compiled.why_not() or "a reason")
    assert environment.joinpath("compiled", f"{compiled.digest()}.txt").is_file()


def test_missing_headers_of_python_are_named_in_one_line(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(environment))
    said: list[str] = []
    assert not compile_core(said.append)
    assert len(said) == 1
    assert "Python's headers are missing" in said[0]


def test_a_compiler_that_fails_leaves_what_it_said_and_the_sources_run(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "SETUP", "raise SystemExit('no room for a compiler')")
    monkeypatch.setattr(compiling, "_what_is_missing", lambda: None)
    said: list[str] = []
    assert not compile_core(said.append)
    log = environment / "compiled" / "compiler.log"
    assert str(log) in said[-1]
    assert "no room for a compiler" in log.read_text()
    assert not compiled.build().exists()


def test_an_environment_that_cannot_be_written_is_named(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (environment / "compiled").write_text("a file where the folder of builds would be")
    monkeypatch.setattr(compiling, "_what_is_missing", lambda: None)
    said: list[str] = []
    assert not compile_core(said.append)
    assert f"{compiled.builds()} cannot be written" in said[-1]


def test_the_setting_for_a_pure_build_keeps_anything_from_being_compiled(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRISE_PURE", "1")
    assert not compile_core(pytest.fail)
    assert list(environment.iterdir()) == []


def test_an_edited_source_has_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled.digest()
    for source in compiled.sources():
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, tmp_path / source)
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    compiled.digest.cache_clear()
    try:
        assert compiled.digest() == before, "the place of a clone says nothing of its core"
        with (tmp_path / compiled.sources()[3]).open("a", encoding="utf-8") as edited:
            edited.write("\n")
        compiled.digest.cache_clear()
        assert compiled.digest() != before
    finally:
        monkeypatch.undo()
        compiled.digest.cache_clear()


def test_every_module_of_the_core_is_compiled_and_every_module_it_imports_of_the_language() -> None:
    unit = {source.stem for source in compiled.sources() if source.parent.name == "schemas"}
    imported = {
        line.split()[1].removeprefix("schemas.")
        for source in compiled.sources()
        for line in (ROOT / source).read_text(encoding="utf-8").splitlines()
        if line.startswith("from schemas.")
    }
    # MessagePack is msgspec's, for the digest of a whole ledger alone.
    assert imported - unit == {"wide_integers"}


def test_every_module_of_records_is_compiled_since_no_other_class_extends_a_compiled_one() -> None:
    unit = {source.stem for source in compiled.sources()}
    of_records = {path.stem for path in (ROOT / "schemas").glob("*.py") if "(Record)" in path.read_text("utf-8")}
    assert len(of_records) > 3
    assert of_records <= unit


def test_the_mypyc_of_the_lock_is_the_one_that_names_a_build() -> None:
    assert f'"mypy=={compiled.MYPYC}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("pure", ["1", ""])
def test_a_traceback_names_the_file_and_line_of_a_source(pure: str) -> None:
    if not pure and not compiled.build().is_dir():
        pytest.skip(f"there is no compiled build: {compiled.why_not()}")
    program = """
from engine.core.state import genesis
from engine.core.step import step
step(genesis(0, 1), None, offset=7, time=1)
"""
    done = subprocess.run(
        python_command("-c", program),
        cwd=ROOT,
        env=os.environ | {"REPRISE_PURE": pure},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (ROOT / "engine/core/step.py").read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "comes next" in line and "assert offset" in line)
    assert f'engine/core/step.py", line {number}, in step' in done.stderr
    assert "AssertionError: command 7 where 0 comes next" in done.stderr


def test_a_message_does_not_change_once_it_is_made() -> None:
    """In the compiled build by itself; in the pure one the type checker sees to it, and no place of ours tries."""
    if not compiled.is_compiled():
        pytest.skip("plain Python lets it; `mypy --strict` does not")
    with pytest.raises(AttributeError):
        DEPOSIT.amount = 2  # type: ignore[misc]  # That is the point.
    (event,) = step(genesis(0, 1), DEPOSIT, offset=0, time=1)
    with pytest.raises(AttributeError):
        event.seq = 2  # type: ignore[misc]  # The same.
