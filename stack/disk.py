"""Whether there is room on the disk where an instance keeps its things."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1_000_000
START_NEEDS: Final = 500 * MEGABYTE
FULL_BELOW: Final = 20 * MEGABYTE
BLOCK_BYTES: Final = 512  # of `st_blocks`, whatever the file system has
DAY_S: Final = 86_400
GROWTH_AFTER_S: Final = 60.0


def room(folder: Path) -> tuple[int, int]:
    """The bytes that are free, and all there are, on the disk that holds a folder or will hold it."""
    place = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(place)
    return usage.free, usage.total


def written(folder: Path) -> int:
    """The bytes that a folder's files take on the disk; what is gone meanwhile counts as nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_blocks * BLOCK_BYTES
    return total


def growth(folder: Path, before: int, since_s: float) -> int | None:
    """The bytes that a folder grows by in a day, as it did since it took `before`; null while it is too early."""
    if since_s < GROWTH_AFTER_S:
        return None
    return max(0, round((written(folder) - before) * DAY_S / since_s))


def too_little_to_start(folder: Path) -> str | None:
    """What to say where a start would soon have no room left."""
    free, _ = room(folder)
    if free >= START_NEEDS:
        return None
    return (
        f"The disk that holds {folder} has {free // MEGABYTE} MB free, and a start needs {START_NEEDS // MEGABYTE} MB. "
        "Make room there, or name a folder of another disk with --data."
    )


def full_disk(folder: Path) -> str | None:
    """What to say where nothing more can be written."""
    free, _ = room(folder)
    if free >= FULL_BELOW:
        return None
    return (
        f"The disk that holds {folder} is full: {free / MEGABYTE:.1f} MB are free. Make room, and what stopped for "
        "want of it goes on by itself."
    )
