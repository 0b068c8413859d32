"""Which build of the core runs: the one compiled of these very sources, or the sources themselves.

A compiled build stands in the environment, in a folder named after the digest of its sources: an edited source has
none, and runs as it is written. `REPRISE_PURE=1` lets the sources run whatever there is.
"""

import os
import sys
import sysconfig
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

# Compiled as one unit, since a call from one unit into another is slow: the core, and what it needs of the language.
CORE: Final = "engine/core"
LANGUAGE: Final = (
    *("bounds", "codec", "command_groups", "commands", "commands_codec", "content"),
    *("derived", "event_groups", "events", "events_codec", "forms", "ids"),
    *("ledger_records", "ledger_records_codec", "manifest", "manifest_codec", "messages", "messages_codec"),
    *("offset_gaps", "record", "rejections", "sharding", "units", "venue_messages"),
    *("venue_messages_codec", "wire", "words"),
)
# What the audit asks after each command, of a class of the core's at every turn.
JUDGE: Final = "audit/verify"
LAWS: Final = ("arithmetic", "running_laws", "running_rules")
MYPYC: Final = "2.4.1"  # as in pyproject.toml
ROOT: Final = Path(__file__).parents[1]


def sources() -> list[Path]:
    """Give the files of the unit, as paths from the root."""
    core = sorted(path.relative_to(ROOT) for path in (ROOT / CORE).glob("*.py") if path.name != "__init__.py")
    return [
        *core,
        *(Path("schemas") / f"{name}.py" for name in LANGUAGE),
        *(Path(JUDGE) / f"{name}.py" for name in LAWS),
    ]


@cache
def digest() -> str:
    """Give what names a build: its sources, its compiler, and the interpreter it is for."""
    found = blake2b(digest_size=8)
    found.update(f"{MYPYC} {sysconfig.get_config_var('SOABI')}".encode())
    for path in sources():
        found.update(f"\n{path.as_posix()}\n".encode())
        found.update((ROOT / path).read_bytes())
    return found.hexdigest()


def builds() -> Path:
    """Give the folder of the builds, in the environment that runs."""
    return Path(sys.prefix) / "compiled"


def build() -> Path:
    """Give the folder in which the build of these sources stands, or would stand."""
    return builds() / digest()


def is_pure() -> bool:
    """Say whether a compiled build is refused."""
    return os.environ.get("REPRISE_PURE", "") not in ("", "0")


def search_path(package: str, path: list[str]) -> list[str]:
    """Give where the modules of a package are looked for: in the compiled build first, where there is one."""
    if is_pure() or not build().is_dir():
        return path
    if str(build()) not in sys.path:
        sys.path.append(str(build()))  # All modules of the unit share one library, which stands there.
    return [str(build().joinpath(*package.split("."))), *path]


def is_compiled() -> bool:
    """Say whether the compiled build runs."""
    return bool(sys.modules[__package__].__path__[0].startswith(str(builds())))


def running() -> str:
    """Say which build runs, and of a pure one why."""
    if is_compiled():
        return f"compiled ({digest()})"
    if is_pure():
        return "pure (REPRISE_PURE is set)"
    return f"pure ({why_not() or 'not compiled; `./reprise compile` does it'})"


def why_not() -> str | None:
    """Give what kept a build of these sources from being made; null where nothing is known to have."""
    note = build().with_suffix(".txt")
    return note.read_text(encoding="utf-8").strip() if note.is_file() else None
