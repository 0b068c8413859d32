"""`python deploy/locked.py NAME`: a package of uv.lock as pip reads it, with the digests its files may have."""

import sys
import tomllib
from pathlib import Path

LOCK = Path(__file__).parents[1] / "uv.lock"


def requirement(name: str) -> str:
    """Give `NAME==VERSION --hash=…`; StopIteration where the lock has no such package."""
    packages = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    package = next(each for each in packages if each["name"] == name)
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    digests = " ".join(f"--hash={file['hash']}" for file in files)
    return f"{name}=={package['version']} {digests}"


if __name__ == "__main__":
    sys.stdout.write(f"{requirement(sys.argv[1])}\n")
