"""How programs and files are named so that any name of a folder will do."""

import os
import shlex
from pathlib import Path
from typing import Final

from runtime.errors import FixableError

# The start of a command that is run in a folder: the folder comes next, then the command.
IN_FOLDER: Final = ("/bin/sh", "-c", 'cd -- "$0" && exec "$@"')
COMMENT_MARKS: Final = "#;"


def require_nameable(folder: Path, what: str) -> None:
    """FixableError for a folder whose name no settings can hold: bytes that are no text, or more than a line."""
    name = os.fsencode(folder).decode(errors="replace")
    if name != str(folder) or len(name.splitlines()) != 1:
        raise FixableError(f"The name of {what} {name!r} has a line break, or bytes that are no text. Use another.")


def in_one_line(command: list[str]) -> str:
    """The command as the process manager's settings have it, which end at a mark of a comment after a space."""
    line = shlex.join(command)
    for mark in COMMENT_MARKS:
        # Only within quotes has the mark been left as it is, and there it is quoted anew, away from any space.
        line = line.replace(mark, f"'\"{mark}\"'")
    return line.replace("%", "%%")
