"""How made Python looks: as the formatter leaves it, so that the formatter has nothing to do."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Final

MADE: Final = "Made from `schemas/avro` by `./reprise documents`: change the Avro files."
LONG: Final = "Longer than 300 lines because each message stands beside the others."
LINES_MAX: Final = 300


def formatted(text: str) -> str:
    """Give Python as the project's formatter writes it."""
    command = [sys.executable, "-m", "ruff"]
    for action in (("check", "--select", "I", "--fix", "--quiet"), ("format", "--quiet")):
        text = subprocess.run(
            [*command, *action, "--stdin-filename", "schemas/made.py", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text


def explained(text: str) -> str:
    """Say in a file's first lines why it is long, where it is."""
    return text.replace(MADE, f"{MADE}\n{LONG}", 1) if text.count("\n") > LINES_MAX else text


def tuple_of(words: Iterable[str]) -> str:
    """Write a tuple of texts."""
    listed = [f'"{word}"' for word in words]
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def imports_of(used: Mapping[str, set[str]]) -> str:
    """Write imports; the formatter sorts them."""
    return "\n".join(f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(used.items()))


def union_of(name: str, members: Iterable[str]) -> str:
    """Write a union of types."""
    return f"{name} = ({' | '.join(members)})"
