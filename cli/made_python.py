"""How made Python looks: as the project's formatter leaves it, with the reason where a file is long."""

import subprocess
import sys
from typing import Final

from schemas.generator.text import MADE

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
