"""The core's source has no construct that could make two replays of one log differ."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.project import ROOT

# What the core computes with stands partly in schemas, for others to use too.
SHARED = [ROOT / "schemas" / f"{name}.py" for name in ("bounds", "content", "derived", "ids", "sharding")]
CORE = [*sorted((ROOT / "engine" / "core").rglob("*.py")), *SHARED]
IMPURE_MODULES = {
    "asyncio",
    "datetime",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
}
# float() and round() leave the integers; hash() and the order of a set differ between two processes.
IMPURE_CALLS = {"float", "round", "hash", "set", "frozenset", "open", "print", "input", "id", "eval", "exec"}
# uuid5 is arithmetic on its arguments; only what draws from clock or dice is impure.
PURE_NAMES_OF = {"uuid": {"UUID", "uuid5"}}


def impurities(tree: ast.AST) -> Iterator[str]:
    """Each as `line: what`."""
    for node in ast.walk(tree):
        found = impurity(node)
        if found is not None:
            yield f"{getattr(node, 'lineno', 0)}: {found}"


def impurity(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float() | complex()):
            return "a number that is no integer"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "division that leaves the integers"
        case ast.Set() | ast.SetComp():
            return "a set, whose order differs between processes"
        case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
            return f"{name}()"
        case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
            return "async"
        case ast.Try() | ast.TryStar():
            return "try: an exception in the core is a bug, and must be seen"
        case ast.Global() | ast.Nonlocal():
            return "state outside the state"
        case ast.Import(names=names):
            bad = [alias.name for alias in names if alias.name.split(".")[0] in IMPURE_MODULES]
            return f"import {', '.join(bad)}" if bad else None
        case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] in IMPURE_MODULES:
            bad = [alias.name for alias in names if alias.name not in PURE_NAMES_OF.get(module, set())]
            return f"from {module} import {', '.join(bad)}" if bad else None
    return None


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_has_no_construct_that_could_differ_between_two_replays(path: Path) -> None:
    assert list(impurities(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 0.5",
        "x = a / b",
        "a /= b",
        "x = {1, 2}",
        "x = {a for a in b}",
        "x = set(a)",
        "x = hash(a)",
        "x = round(a)",
        "async def f(): pass",
        "try:\n    f()\nexcept ValueError:\n    pass",
        "import time",
        "import os.path",
        "from datetime import datetime",
        "from random import choice",
        "from uuid import uuid4",
    ],
)
def test_the_check_finds_planted_impurities(source: str) -> None:
    assert list(impurities(ast.parse(source))) != []


@pytest.mark.parametrize(
    "source", ["x = a // b", "x = {1: 2}", "from uuid import UUID, uuid5", "x = {}", "x = dict(a)"]
)
def test_the_check_accepts_pure_constructs(source: str) -> None:
    assert list(impurities(ast.parse(source))) == []
