"""How large files and folders may be, how each package introduces itself, and that a class name has one meaning."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import MODULES, PACKAGES, ROOT, SOURCES, TESTS, relative

LINES_MAX: Final = 300
LINES_MIN: Final = 15
LOOSE_FILES_MAX: Final = 6
FILES_MIN: Final = 3
INTRODUCTION_MAX: Final = 12
# A longer or shorter file says why in its module's docstring, on a line that begins with these words.
WHY_LONG: Final = re.compile(r"^Longer than 300 lines because \w", re.MULTILINE)
WHY_SHORT: Final = re.compile(r"^Short because \w", re.MULTILINE)
API: Final = ROOT / "api"
FOLDERS: Final = sorted({path.parent for path in MODULES if path.name == "__init__.py"})
API_FOLDERS: Final = sorted(
    folder
    for folder in {path.parent for path in MODULES}
    if folder.is_relative_to(API) and folder != API and "migrations" not in folder.parts
)


def classes(path: Path) -> list[str]:
    return [
        node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)
    ]


def doubled(paths: list[Path]) -> dict[str, list[str]]:
    """Give each class name that is defined more than once, and where."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for name in classes(path):
            places[name].append(path.as_posix())
    return {name: found for name, found in places.items() if len(found) > 1}


def test_a_class_name_stands_for_one_thing_in_the_whole_server() -> None:
    """The client is a wheel of its own, whose models are called as the API publishes them."""
    assert doubled(MODULES) == {}


def test_a_class_name_that_is_taken_twice_is_found(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("class Outcome:\n    class Place: ...\n")
    other.write_text("class Place: ...\nclass Report: ...\n")
    assert doubled([one, other]) == {"Place": [one.as_posix(), other.as_posix()]}


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_a_file_of_more_than_300_lines_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if len(text.splitlines()) > LINES_MAX:
        assert WHY_LONG.search(ast.get_docstring(ast.parse(text)) or ""), len(text.splitlines())


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(API)], ids=relative)
def test_a_file_of_the_api_of_less_than_15_lines_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name != "__init__.py" and len(text.splitlines()) < LINES_MIN:
        assert WHY_SHORT.search(ast.get_docstring(ast.parse(text)) or ""), len(text.splitlines())


def test_the_api_has_few_loose_files() -> None:
    assert len([path for path in API.glob("*.py") if path.name != "__init__.py"]) <= LOOSE_FILES_MAX


@pytest.mark.parametrize("folder", API_FOLDERS, ids=relative)
def test_a_folder_of_the_api_holds_at_least_three_files(folder: Path) -> None:
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) >= FILES_MIN


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_a_package_says_what_it_is_what_it_may_import_and_where_to_begin(folder: Path) -> None:
    if "migrations" in folder.parts:
        return
    lines = (ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or "").splitlines()
    written = [line for line in lines if line]
    assert len(written) <= INTRODUCTION_MAX, written
    assert any("import" in line.lower() for line in written), "it says nothing of what it may import"
    assert any(re.search(r"\bBegin\b|\bbegin\b|\bstart\b", line) for line in written), (
        "it says nothing of where to begin"
    )


def test_every_package_is_looked_at() -> None:
    assert {ROOT / package for package in PACKAGES} <= set(FOLDERS)
