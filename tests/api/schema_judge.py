"""Schemathesis checks a running API against one of its documents, with every check, with or without a user."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.api.exchange import Exchange

ROOT: Final = Path(__file__).parents[2]
# These end the session the rest of the run needs: they run with a user of their own, and without one.
ENDING: Final = ("logout", "logout_everywhere", "end_session", "delete_me")
SEEDS: Final = "/api/compat/openapi.json"
SEEDS_ENDING: Final = ("logout_of_seeds", "execute", "delete_of_user")
NOBODY: Final = "\n[auth]\nauto-signup = false\n"


def judged(
    exchange: Exchange,
    token: str | None,
    *options: str,
    document: str = "/openapi.json",
    parameters: dict[str, str] | None = None,
    only: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run every check with the project's own configuration; a failure is in the exit code and the output.

    parameters: values that are always sent, for what chance would not find. only: the one operation to judge.
    """
    config = exchange.folder / "schemathesis.toml"
    fixed = "".join(f'"{name}" = "{value}"\n' for name, value in (parameters or {}).items())
    text = f"[parameters]\n{fixed}\n" + (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    config.write_text(text + ("" if token is not None else NOBODY), encoding="utf-8")
    signed_in = [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    ending = () if token is None else SEEDS_ENDING if document == SEEDS else ENDING
    chosen = [part for name in ending for part in ("--exclude-operation-id", name)]
    if only is not None:
        chosen = ["--include-operation-id", only]
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
            *("run", f"{exchange.url}{document}", "--no-color"),
            *signed_in,
            *chosen,
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=exchange.folder,
    )


def report_of(run: subprocess.CompletedProcess[str]) -> str:
    """What it found, from where that begins."""
    return run.stdout[max(0, run.stdout.find("= FAILURES =")) :][:12_000] + run.stderr[-2_000:]
