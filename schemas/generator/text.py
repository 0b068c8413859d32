"""How parts of made Python are written; the formatter breaks their lines."""

from collections.abc import Iterable, Mapping
from typing import Final

MADE: Final = "Made from `schemas/avro` by `./reprise documents`: change the Avro files."


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
