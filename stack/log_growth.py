"""How fast the part of a broker's log grows that is kept for ever, by the files of its commands and events.

A segment is record batches one behind the other; its index holds the positions of some of them. Of a batch's header its
length and its newest time are read (https://kafka.apache.org/documentation/#recordbatch).
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from schemas.topics import COMMANDS, EVENTS

DAY_S: Final = 86_400
WINDOW_S: Final = 600.0
SHORTEST_S: Final = 30.0
HEADER: Final = struct.Struct(">8x i 23x q")  # base offset, LENGTH, up to the first time, newest TIME (ms)
LENGTH_FROM: Final = 12  # what the length counts begins behind it
INDEX_ENTRY: Final = struct.Struct(">ii")  # offset within the segment, POSITION


def bytes_a_day(logs: Path, started_at: float, now: float) -> int | None:
    """Bytes that a day like the last ten minutes adds, or like the time since the start, where that is shorter.

    logs: the broker's `log.dirs`. Times are seconds since 1970. Null in the first half minute, when it is too early.
    """
    since = max(started_at, now - WINDOW_S)
    if now - since < SHORTEST_S:
        return None
    partitions = (path for topic in (COMMANDS, EVENTS) for path in logs.glob(f"{topic}-*"))
    return round(sum(_written_since(partition, since) for partition in partitions) * DAY_S / (now - since))


def _written_since(partition: Path, since: float) -> int:
    total = 0
    for segment in partition.glob("*.log"):
        # A segment or a topic may be gone by now; then it has grown by nothing.
        with suppress(FileNotFoundError):
            if segment.stat().st_mtime >= since:
                total += _written_in(segment, round(since * 1000))
    return total


def _written_in(segment: Path, since_ms: int) -> int:
    with segment.open("rb") as file:
        size = segment.stat().st_size
        positions = [0, *_indexed(segment.with_suffix(".index"))]
        newer = bisect_left(positions, since_ms, key=lambda position: _newest_time(file, position))
        position = positions[max(0, newer - 1)]
        while position < size and (header := _header(file, position)) is not None and header[1] < since_ms:
            position += LENGTH_FROM + header[0]
        return max(0, size - position)


def _indexed(index: Path) -> Iterator[int]:
    """Give the positions of an index. While its segment is written, zeros stand behind them."""
    entries = index.read_bytes()
    for _, position in INDEX_ENTRY.iter_unpack(entries[: len(entries) // INDEX_ENTRY.size * INDEX_ENTRY.size]):
        if position == 0:
            return
        yield position


def _newest_time(file: BinaryIO, position: int) -> int:
    header = _header(file, position)
    return 0 if header is None else header[1]


def _header(file: BinaryIO, position: int) -> tuple[int, int] | None:
    """Give a batch's length and newest time; null where it is not written whole yet."""
    file.seek(position)
    header = file.read(HEADER.size)
    return None if len(header) < HEADER.size else HEADER.unpack(header)
