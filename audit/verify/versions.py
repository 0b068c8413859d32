"""What verified a log: this program, its newest rules, and what it ran on."""

import platform
from importlib import metadata

from engine.core.rules import newest_rules
from schemas.compiled import running


def versions() -> dict[str, str]:
    """Give each by its name."""
    try:
        own = metadata.version("reprise")
    except metadata.PackageNotFoundError:
        own = "not installed"
    return {
        "Reprise": own,
        "the newest rules it knows": str(newest_rules()),
        "Python": platform.python_version(),
        "the core": running(),
    }
