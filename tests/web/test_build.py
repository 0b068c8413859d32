"""The screen is built from its sources, checked by its types, and its own tests pass."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from runtime.errors import FixableError
from stack import screen
from stack.instance import PROJECT

SIZE_MAX: Final = 130_000  # bytes that a browser fetches for the trade page, in brotli
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where Node's tools run, with what they are installed."""
    golden = Path("tests", "golden")
    with screen.workplace() as place:
        if place != screen.SCREEN:
            # Its own tests read the cases that the engine's core made, where they are from the project's root.
            shutil.copytree(PROJECT / golden, place.parent / golden)
        try:
            screen.install(place, print)
        except FixableError as error:
            pytest.skip(f"npm could not fetch what the screen is built with: {error}")
        yield place


def test_the_screen_s_own_tests_pass(folder: Path) -> None:
    said = screen.run_node(folder, "vitest/vitest.mjs", "run", "--reporter=tap-flat", timeout_s=300)
    assert said.count("\nok ") > 600
    assert "not ok" not in said


def type_check(folder: Path) -> str:
    """What the type check of the screen says; FixableError where it finds something."""
    options = ("--tsconfig", "./tsconfig.json", "--fail-on-warnings", "--output", "human")
    return screen.run_node(folder, "svelte-check/bin/svelte-check", *options, timeout_s=600)


def test_the_screen_has_no_error_of_types(folder: Path) -> None:
    assert "0 errors and 0 warnings" in type_check(folder)


@pytest.mark.slow
def test_a_planted_error_of_types_is_found(folder: Path) -> None:
    planted = folder / "src" / "planted.ts"
    planted.write_text('export const wrong: number = "text";\n', encoding="utf-8")
    try:
        with pytest.raises(FixableError):
            type_check(folder)
    finally:
        planted.unlink()


@pytest.mark.usefixtures("folder")
def test_the_trade_page_s_first_load_is_within_its_budget() -> None:
    screen.build(print)
    page = (screen.BUILT / "index.html").read_text(encoding="utf-8")
    named = [part.split('"')[0] for part in page.replace('src="', 'href="').split('href="')[1:]]
    files = [screen.BUILT / name.removeprefix("/static/") for name in named]
    compressed = [file.with_name(f"{file.name}.br") for file in files]
    sizes = [(small if small.is_file() else file).stat().st_size for file, small in zip(files, compressed, strict=True)]
    assert len(sizes) >= 3
    assert sum(sizes) <= SIZE_MAX


@pytest.mark.usefixtures("folder")
def test_a_second_build_of_the_same_sources_does_nothing_and_a_changed_source_is_another(tmp_path: Path) -> None:
    screen.build(print)
    told: list[str] = []
    screen.build(told.append)
    assert told == []
    assert screen.is_built()
    source = screen.SCREEN / "src" / "words.ts"
    kept = tmp_path / "words.ts"
    shutil.copy2(source, kept)
    try:
        source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        assert not screen.is_built()
    finally:
        shutil.copy2(kept, source)
    assert screen.is_built()


@pytest.mark.slow
def test_the_screen_is_built_in_a_folder_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "my #1 projet é, 100% \\ ;[x]?"
    left_out = shutil.ignore_patterns("node_modules", "dist", ".*")
    for name in ("SCREEN", "CLIENT"):
        source: Path = getattr(screen, name)
        shutil.copytree(source, project / source.relative_to(PROJECT), ignore=left_out)
        monkeypatch.setattr(screen, name, project / source.relative_to(PROJECT))
    monkeypatch.setattr(screen, "PROJECT", project)
    monkeypatch.setattr(screen, "BUILT", project / "web" / "dist")
    screen.build(print)
    assert screen.is_built()
    assert (screen.BUILT / "index.html").is_file()
    assert not list((project / "web").glob(".dist-*"))
