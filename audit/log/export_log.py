"""How a log becomes a folder: written under another name, hashed while it is written, named when it is whole."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from fastavro.write import Writer

from audit.log.folder import (
    FORMAT,
    MANIFEST,
    RECORD_SCHEMA,
    WHAT,
    Block,
    ExportManifest,
    File,
    manifest_hash,
)
from audit.log.generations import not_above
from audit.log.log_reader import Batches, LogReader, require_shard
from runtime.errors import FixableError
from runtime.files import sync_folder
from runtime.kafka import LogRecord
from schemas.codec import NotDecodable, decode_event
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

BLOCK_RECORDS: Final = 2_000
BLOCK_BYTES: Final = 4 * 1024 * 1024
WHOLE_BLOCKS: Final = 1 << 40  # bytes; the writer never ends a block by itself
UNFINISHED: Final = ".unfinished"

Progress = Callable[[int], None]


def export_log(
    log: LogReader, target: Path, *, shard: int | None, to: Mapping[int, int], progress: Progress = lambda _: None
) -> ExportManifest:
    """Write shards (one, or all) of a log; of a shard in `to`, the commands below that offset and their events.

    FixableError where the folder exists, or the disk is full; then nothing of it is left.
    """
    shards = list(log.held) if shard is None else [shard]
    for number in {*shards, *to}:
        require_shard(log, number)
    _require_ends(log, to)
    unfinished = target.with_name(target.name + UNFINISHED)
    for path, why in ((target, "exists already"), (unfinished, "is what an export that did not end left")):
        if path.exists():
            raise FixableError(f"{path} {why}. Remove it, or export to another folder.")
    try:
        # The whole ledger is in it: as a backup, it is its owner's alone.
        unfinished.mkdir(mode=0o700, parents=True)
        files = [
            write_file(unfinished, topic, number, records, end, progress)
            for number in shards
            for topic, records, end in _contents(log, number, to.get(number))
        ]
        manifest = ExportManifest(
            format=FORMAT,
            what=WHAT,
            source=log.name,
            exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
            shards=log.shards,
            held=shards,
            files=files,
        )
        manifest = msgspec.structs.replace(manifest, sha256=manifest_hash(manifest))
        _write_whole(unfinished / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        sync_folder(unfinished)
        unfinished.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise FixableError(f"The disk of {target} is full: nothing was exported. Make room there.") from error
        raise FixableError(f"Nothing was exported to {target}: {error.strerror or error}.") from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def _require_ends(log: LogReader, to: Mapping[int, int]) -> None:
    for shard, offset in to.items():
        end = log.extent(shard).commands
        if not 0 <= offset <= end:
            raise FixableError(f"Shard {shard} has commands up to {end}, so --to {offset} cannot be reached.")


def _contents(log: LogReader, shard: int, to: int | None) -> list[tuple[str, Batches, int]]:
    """Give a shard's topics with their records and where they end."""
    extent = log.extent(shard)
    commands, events, snapshots = log.commands(shard, 0), log.events(shard, 0), log.snapshots(shard)
    if to is not None:
        commands, events, snapshots = (
            _until(commands, lambda record: record.offset >= to),
            _until(events, lambda record: _command_offset(record) >= to),
            not_above(snapshots, to),
        )
    return [
        (COMMANDS, commands, extent.commands if to is None else to),
        (EVENTS, events, extent.events),
        (SNAPSHOTS, snapshots, extent.snapshots),
    ]


def _until(batches: Batches, is_beyond: Callable[[LogRecord], bool]) -> Batches:
    """Give the records up to the first that is beyond."""
    for batch in batches:
        if not is_beyond(batch[-1]):
            yield batch
            continue
        for place, record in enumerate(batch):
            if is_beyond(record):
                yield batch[:place]
                return


def _command_offset(record: LogRecord) -> int:
    """Give the offset of an event's command; bytes that are no event stay where they are."""
    try:
        return decode_event(record.value).command_offset
    except NotDecodable:
        return -1


def write_file(folder: Path, topic: str, shard: int, batches: Batches, end: int, progress: Progress) -> File:
    """Write the records of one partition to a file of its name."""
    name = f"{topic}-{shard}.avro"
    with (folder / name).open("wb") as raw:
        out: Any = _Hashed(raw)
        writer: Any = Writer(out, RECORD_SCHEMA, codec="deflate", compression_level=1, sync_interval=WHOLE_BLOCKS)
        writer.flush()
        blocks = [Block(-1, -1, out.size, out.end_part())]
        count = 0
        for records in _blocks(batches):
            for offset, timestamp, key, value in records:
                writer.write({"offset": offset, "timestamp": timestamp, "key": key, "value": value})
            writer.flush()
            blocks.append(Block(records[0].offset, records[-1].offset, out.size, out.end_part()))
            count += len(records)
            progress(len(records))
        raw.flush()
        os.fsync(raw.fileno())
    return File(name, topic, shard, count, end, out.whole.hexdigest(), blocks)


def _blocks(batches: Iterable[list[LogRecord]]) -> Iterator[list[LogRecord]]:
    """Cut records into parts of a bounded size, so that a hash names few of them."""
    part: list[LogRecord] = []
    size = 0
    for batch in batches:
        for record in batch:
            part.append(record)
            size += len(record.value)
            if len(part) >= BLOCK_RECORDS or size >= BLOCK_BYTES:
                yield part
                part, size = [], 0
    if part:
        yield part


def _write_whole(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


class _Hashed:
    """A file that knows the hash of all that was written to it, and of each part."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.whole = sha256()
        self._part = sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        self.whole.update(content)
        self._part.update(content)
        self.size += len(content)
        return self._out.write(content)

    def flush(self) -> None:
        self._out.flush()

    def seekable(self) -> bool:
        """Say that it is written from one end to the other."""
        return False

    def end_part(self) -> str:
        """Give the hash of what was written since the last part."""
        digest, self._part = self._part.hexdigest(), sha256()
        return digest
