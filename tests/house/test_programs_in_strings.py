"""The programs that tests and benches keep as text import names that exist: no type checker reads them."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.project import MODULES, PACKAGES, TESTS, relative

IMPORT = re.compile(rf"^from ((?:{'|'.join(PACKAGES)})(?:\.\w+)*) import ([\w, ]+)$", re.MULTILINE)


def imports_in_strings(path: Path) -> Iterator[tuple[str, str]]:
    """Give each module and name that a program in a string of the file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line in node.value.replace("; ", "\n").splitlines():
                for module, names in IMPORT.findall(line.strip()):
                    yield from ((module, name.strip()) for name in names.split(","))


WITH_PROGRAMS = [path for path in [*TESTS, *MODULES] if any(imports_in_strings(path))]


@pytest.mark.parametrize("path", WITH_PROGRAMS, ids=relative)
def test_a_program_in_a_string_imports_names_that_exist(path: Path) -> None:
    assert [f"{module}.{name}" for module, name in imports_in_strings(path) if not exists(module, name)] == []


def test_programs_in_strings_are_found() -> None:
    assert len(WITH_PROGRAMS) >= 4


def exists(module: str, name: str) -> bool:
    found: ModuleType = import_module(module)
    return hasattr(found, name) or name in {child.stem for child in Path(found.__file__ or "").parent.glob("*.py")}
