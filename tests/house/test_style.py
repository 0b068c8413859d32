"""The house style of every file, as far as a program can check it."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.project import SOURCES, TESTS, relative

BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|handle|amt|px)(_|$)")
BANNED_FILES = {"util", "utils", "helper", "helpers", "misc", "common"}
# Where one place may catch what it cannot name: the ends of processes, and the freezing of one shard.
MAY_CATCH_ALL = re.compile(r"(^|/)main\.py$|^engine/shell/")
FIRST_LINE_MAX = 200


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_the_first_docstring_line_of_a_file_is_one_short_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "no docstring"
    first = docstring.splitlines()[0]
    assert first.endswith((".", "?", ":")), first
    assert len(first) <= FIRST_LINE_MAX, first


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_file_or_function_has_a_banned_vague_name(path: Path) -> None:
    assert path.stem not in BANNED_FILES
    named = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and BANNED_NAMES.search(node.name)
    ]
    assert named == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_handler_catches_every_exception_without_raising(path: Path) -> None:
    if MAY_CATCH_ALL.search(relative(path)):
        return
    broad = [
        handler.lineno
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler) and not ends_by_raising(handler) and catches_everything(handler)
    ]
    assert broad == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_file_has_a_todo_mark(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text(encoding="utf-8"))


def catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"}
    )


def ends_by_raising(handler: ast.ExceptHandler) -> bool:
    """To put things in order and raise again is not to catch."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
