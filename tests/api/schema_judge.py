"""How Schemathesis judges a running API by its own document, with every check, as somebody or as nobody."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from api.exchange import Exchange, User

ROOT: Final = Path(__file__).parents[2]
# These end the session the rest of the run needs: a user of their own has them, and nobody.
ENDING: Final = ("logout", "logout_everywhere", "delete_me")
NOBODY: Final = "\n[auth]\nauto-signup = false\n"


def judged(
    exchange: Exchange,
    user: User | None,
    *options: str,
    parameters: dict[str, str] | None = None,
    only: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run every check with the project's own configuration; a failure is in the exit code and the output.

    parameters: values that are always sent, for what chance would not find. only: the one operation to judge.
    """
    config = exchange.folder / "schemathesis.toml"
    fixed = "".join(f'"{name}" = "{value}"\n' for name, value in (parameters or {}).items())
    text = f"[parameters]\n{fixed}\n" + (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    config.write_text(text + ("" if user is not None else NOBODY), encoding="utf-8")
    signed_in = [] if user is None else ["--header", f"Authorization: Bearer {user.token}"]
    chosen = [] if user is None else [part for name in ENDING for part in ("--exclude-operation-id", name)]
    if only is not None:
        chosen = ["--include-operation-id", only]
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
            *("run", f"{exchange.url}/openapi.json", "--no-color", "--checks", "all"),
            *signed_in,
            *chosen,
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=exchange.folder,
    )


def told(run: subprocess.CompletedProcess[str]) -> str:
    """What it found, from where that begins."""
    return run.stdout[max(0, run.stdout.find("= FAILURES =")) :][:12_000] + run.stderr[-2_000:]
