"""The project's files, for the tests of its style and documents."""

import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# The packages of the server, each a folder at the root.
PACKAGES: Final = sorted(folder.parent.name for folder in ROOT.glob("*/__init__.py"))
MODULES: Final = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES: Final = sorted([*MODULES, *(ROOT / "clients").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    """Give a file's path from the root."""
    return path.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    """Give the text of a file, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")
