"""How code of this project is started in a process of its own."""

import sys


def python_command(*arguments: str) -> list[str]:
    """Give the command: this interpreter, and -P: a folder `api` of the place where it starts is not ours."""
    return [sys.executable, "-P", *arguments]


def reprise_command(*arguments: str) -> list[str]:
    """Give the command that does what `./reprise` with these arguments does."""
    return python_command("-m", "cli.main", *arguments)
