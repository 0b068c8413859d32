"""A file system of its own, so small that a test can fill it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack import supervisor
from stack.instance import InstanceFolder


@contextmanager
def instance_on_small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Give the folder of an instance on such a disk; the instance is stopped at the end, and the disk gone."""
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system of its own needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    place.chmod(0o755)
    try:
        yield place / "data"
    finally:
        supervisor.stop(InstanceFolder(place / "data"), print)
        subprocess.run(["umount", str(place)], check=True)
