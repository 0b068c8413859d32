"""How the core is compiled, where this machine can: once for each state of its sources, into the environment."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from schemas import compiled

TIMEOUT_S: Final = 600
BUILDS_KEPT: Final = 3
COMPILERS: Final = ("cc", "gcc", "clang")
# A type error is the strict checker's to find; here a unit is an integer, which the checker would not let pass.
MYPY_OPTIONS: Final = """[mypy]
ignore_errors = True
follow_imports = silent
ignore_missing_imports = True
explicit_package_bases = True
namespace_packages = True
always_true = UNITS_ARE_INTEGERS
"""
SETUP: Final = """
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(["--config-file", "mypy.ini", *sys.argv[1:]], opt_level="2", debug_level="0", verbose=False)
setup(name="reprise-core", ext_modules=modules, script_args=["--quiet", "build_ext", "--build-lib", "built"])
"""

Report = Callable[[str], None]


def compile_core(report: Report, *, again: bool = False) -> bool:
    """Compile these sources, unless they are already, or cannot be: then say in one line what is missing.

    again: also where an earlier attempt failed.
    """
    if compiled.is_pure() or compiled.build().is_dir():
        return compiled.build().is_dir()
    why = None if again else compiled.why_not()
    if why is None:
        why = _what_is_missing() or _compiled_as(report)
        if why is None:
            return True
        with suppress(OSError):  # Said again at the next start, where it cannot be kept.
            compiled.builds().mkdir(exist_ok=True)
            compiled.build().with_suffix(".txt").write_text(f"{why}\n", encoding="utf-8")
    report(f"The core runs as plain Python, about a quarter as fast: {why}")
    return False


def _compiled_as(report: Report) -> str | None:
    report("Compiling the core, once for this version of it (about half a minute; REPRISE_PURE=1 does without)")
    began = time.monotonic()
    try:
        why = _compiled()
    except OSError as error:
        return f"{compiled.builds()} cannot be written ({error.strerror})"
    if why is None:
        report(f"Compiled in {time.monotonic() - began:.0f} s")
    return why


def _what_is_missing() -> str | None:
    compiler = _compiler()
    if compiler is None:
        return "no C compiler was found; on Debian and Ubuntu `apt install gcc`, then `./reprise compile`"
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not headers.is_file():
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-dev"
        return f"Python's headers are missing; on Debian and Ubuntu `apt install {package}`, then `./reprise compile`"
    return None


def _compiler() -> str | None:
    """Find the compiler as setuptools will: the environment's, else the one Python was built with."""
    configured = os.environ.get("CC") or sysconfig.get_config_var("CC") or ""
    named = shlex.split(configured)[:1]
    return next((found for name in (*named, *COMPILERS) if (found := shutil.which(name))), None)


def _language() -> list[Path]:
    """Give all of the language, of which the unit needs to know what it does not contain."""
    return [path.relative_to(compiled.ROOT) for path in (compiled.ROOT / "schemas").glob("[a-z]*.py")]


def _compiled() -> str | None:
    """Compile copies of the sources in a folder of their own, and put the result in place whole; or say why not."""
    compiled.builds().mkdir(exist_ok=True)
    for older in compiled.builds().glob("in-progress-*"):
        shutil.rmtree(older, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="in-progress-", dir=compiled.builds()) as name:
        folder = Path(name)
        for package in ("engine", compiled.CORE, "schemas", "audit", compiled.JUDGE):
            (folder / package).mkdir(parents=True, exist_ok=True)
            (folder / package / "__init__.py").touch()
        for source in (*compiled.sources(), *_language()):
            shutil.copyfile(compiled.ROOT / source, folder / source)
        (folder / "mypy.ini").write_text(MYPY_OPTIONS, encoding="utf-8")
        files = [source.as_posix() for source in compiled.sources()]
        environment = {**os.environ, "CC": _compiler() or "cc", "MYPY_CACHE_DIR": str(folder / "cache")}
        command = [sys.executable, "-P", "-c", SETUP, *files]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"the compiler did not end in {TIMEOUT_S} s"
        if done.returncode != 0:
            output = compiled.builds() / "compiler.log"
            output.write_text(done.stdout + done.stderr, encoding="utf-8")
            return f"the compiler failed, and {output} has what it said"
        (folder / "built").rename(compiled.build())
    _remove_older()
    return None


def _remove_older() -> None:
    """Keep the newest builds: a process that runs may still have use for its own."""
    folders = [path for path in compiled.builds().iterdir() if path.is_dir()]
    for older in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[BUILDS_KEPT:]:
        shutil.rmtree(older, ignore_errors=True)
