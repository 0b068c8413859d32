"""Commands that prove the project: test and check."""

import os
import subprocess
import time
from typing import Annotated

import typer

from cli.context import project_root, report
from runtime.python import python_command

CHECKS = (
    ("ruff check", ["-m", "ruff", "check"]),
    ("ruff format", ["-m", "ruff", "format", "--check"]),
    ("mypy --strict", ["-m", "mypy", "--strict"]),
    # It has no module of its own to run, only this function.
    ("import-linter", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
)
# Three at a time, each with servers of its own: much of a test's time is waiting for them.
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
# What is said of the core without a server: `pure` runs it with the sources as they are, and plants defects in them.
OF_THE_CORE = ("tests/spec", "tests/properties", "tests/golden", "tests/twin", "tests/schemas", "tests/audit")
Arguments = Annotated[list[str] | None, typer.Argument(help="all, pure, or files, folders and options for pytest.")]


def add_to(app: typer.Typer) -> None:
    app.command(name="test", context_settings={"ignore_unknown_options": True})(run_tests)
    app.command()(check)


def run_tests(arguments: Arguments = None) -> None:
    """Run the tests: those that are not slow, all, those of the core in its pure build, or the ones named."""
    environment = dict(os.environ)
    match arguments or []:
        case []:
            chosen = ["-m", "not slow", *SIDE_BY_SIDE]
        case ["all", *rest]:
            chosen = rest
        case ["pure", *rest]:
            environment["REPRISE_PURE"] = "1"
            chosen = ["-m", "not slow", *SIDE_BY_SIDE, *OF_THE_CORE, *rest]
        case [*rest]:
            chosen = rest
    began = time.monotonic()
    code = subprocess.run(
        python_command("-m", "pytest", *chosen), cwd=project_root(), env=environment, check=False
    ).returncode
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    left_out = "" if arguments else " The slow tests were not run: `./reprise test all` runs them too, in hours."
    report(f"The tests took {minutes} min {seconds} s.{left_out}")
    raise typer.Exit(code)


def check() -> None:
    """Run the linters, the types and the import contracts."""
    failed = []
    for name, arguments in CHECKS:
        began = time.monotonic()
        result = subprocess.run(
            python_command(*arguments), cwd=project_root(), capture_output=True, text=True, check=False
        )
        passed = result.returncode == 0
        report(f"{'passed' if passed else 'FAILED'}  {name}  ({time.monotonic() - began:.1f} s)")
        if not passed:
            failed.append(name)
            report((result.stdout + result.stderr).rstrip())
    if failed:
        report(f"Failed: {', '.join(failed)}")
        raise typer.Exit(1)
