"""Whether there is room on the disk where an instance keeps its things."""

import shutil
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1_000_000
START_NEEDS: Final = 500 * MEGABYTE
FULL_BELOW: Final = 20 * MEGABYTE


def room(folder: Path) -> tuple[int, int]:
    """The bytes that are free, and all there are, on the disk that holds a folder or will hold it."""
    place = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(place)
    return usage.free, usage.total


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
