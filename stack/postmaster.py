"""Which process holds a database's data folder."""

from pathlib import Path

import psutil


def postmaster_pid(folder: Path) -> int | None:
    """The process that holds the data folder now, if one does."""
    try:
        pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        name = psutil.Process(pid).name()
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    # After a crash the number may be another program's.
    return pid if name == "postgres" else None
