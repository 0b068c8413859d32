"""`python deploy/locked.py NAME`: a package of uv.lock and all it needs, as pip reads them, with their digests."""

import sys
import tomllib
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "uv.lock"


def requirements(name: str) -> list[str]:
    """Give `NAME==VERSION --hash=…` of a package, then of each that it needs; KeyError where the lock has none."""
    packages = {each["name"]: each for each in tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]}
    names = [name]
    for each in names:  # It grows meanwhile.
        needed = (dependency["name"] for dependency in packages[each].get("dependencies", ()))
        names.extend(sorted(set(needed).difference(names)))
    return [_requirement(packages[each]) for each in names]


def _requirement(package: dict[str, Any]) -> str:
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    digests = " ".join(f"--hash={file['hash']}" for file in files)
    return f"{package['name']}=={package['version']} {digests}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in requirements(sys.argv[1])))
