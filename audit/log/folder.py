"""What an exported log is: a folder with one Avro file per topic and shard, and a manifest with their hashes."""

import json
import zlib
from collections.abc import Iterator
from hashlib import sha256
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import fastavro
import msgspec

from audit.log.differences import Difference
from audit.log.log_reader import Batches, Extent, LogUnreadable
from runtime.errors import FixableError
from runtime.json_faults import why_not_decoded
from runtime.kafka import LogRecord
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
TOPICS: Final = (COMMANDS, EVENTS, SNAPSHOTS)
WHAT: Final = (
    "A log of Reprise, exported. Each file is an Avro object container with the records of one topic and shard: "
    "offset, timestamp (ms), key, value, as they stand in Kafka."
)
RECORD_SCHEMA: Final[dict[str, Any]] = {
    "type": "record",
    "name": "LogRecord",
    "namespace": "reprise.log",
    "fields": [
        {"name": "offset", "type": "long"},
        {"name": "timestamp", "type": "long"},
        {"name": "key", "type": ["null", "bytes"]},
        {"name": "value", "type": "bytes"},
    ],
}
_FIELDS: Final = itemgetter("offset", "timestamp", "key", "value")
# What fastavro and its codecs raise for bytes that are no such file.
BROKEN: Final = (ValueError, EOFError, IndexError, KeyError, OverflowError, TypeError, MemoryError, zlib.error)


class Block(msgspec.Struct, frozen=True):
    """A part of a file: the records from `first_offset` to `last_offset`, in the bytes up to `end`."""

    first_offset: int
    last_offset: int
    end: int
    sha256: str


class File(msgspec.Struct, frozen=True):
    """One topic of one shard. end_offset: up to which the topic was exported, not included."""

    name: str
    topic: str
    shard: int
    records: int
    end_offset: int
    sha256: str
    blocks: list[Block]


class ExportManifest(msgspec.Struct, frozen=True):
    """What a folder holds. sha256: of the manifest as JSON with an empty one."""

    format: int
    what: str
    source: str
    exported_at: str
    shards: int
    held: list[int]
    files: list[File]
    sha256: str = ""


class FolderLog:
    """The log in a folder. Its manifest is checked when it is opened, its files by `damages`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.manifest = read_manifest(path)
        self.shards = self.manifest.shards
        self.held = tuple(self.manifest.held)
        self._files = {(file.topic, file.shard): file for file in self.manifest.files}

    def extent(self, shard: int) -> Extent:
        return Extent(*(self._files[topic, shard].end_offset for topic in TOPICS))

    def renewed(self) -> "FolderLog":
        return self

    def commands(self, shard: int, first: int) -> Batches:
        return self._read(COMMANDS, shard, first)

    def events(self, shard: int, first: int) -> Batches:
        return self._read(EVENTS, shard, first)

    def snapshots(self, shard: int) -> Batches:
        return self._read(SNAPSHOTS, shard, 0)

    def damages(self, shard: int) -> list[Difference]:
        """Compare a shard's files with their hashes; name the first part of each that is not what was exported."""
        files = (self._files[topic, shard] for topic in TOPICS)
        return [damage for file in files if (damage := self._damage(file)) is not None]

    def _damage(self, file: File) -> Difference | None:
        whole = sha256()
        try:
            with (self.path / file.name).open("rb") as source:
                for block in file.blocks:
                    size = block.end - source.tell()
                    content = source.read(size)
                    if len(content) < size:
                        return _cut(file, block, source.tell())
                    whole.update(content)
                    found = sha256(content).hexdigest()
                    if found != block.sha256:
                        return _changed(file, block, found)
                rest = source.read(1)
        except OSError as error:
            raise LogUnreadable(f"{self.path / file.name} cannot be read: {error.strerror}.") from error
        if rest or whole.hexdigest() != file.sha256:
            return Difference(judge="files", shard=file.shard, what=f"{file.name} is not the file that was exported")
        return None

    def _read(self, topic: str, shard: int, first: int) -> Batches:
        file = self._files.get((topic, shard))
        if file is None:
            raise LogUnreadable(f"{self.name} holds no shard {shard}; it holds {', '.join(map(str, self.held))}.")
        for batch in read_records(self.path / file.name):
            if batch and batch[-1].offset >= first:
                yield batch if batch[0].offset >= first else [each for each in batch if each.offset >= first]


def read_records(path: Path) -> Batches:
    """Give the records of a file. LogUnreadable, which names the file and the offset, where it has none any more."""
    upcoming = 0
    try:
        with path.open("rb") as source:
            for batch in _batches(source):
                yield batch
                upcoming = batch[-1].offset + 1 if batch else upcoming
    except BROKEN as error:
        why = str(error) or type(error).__name__
        raise LogUnreadable(
            f"{path} is no file of records any more from offset {upcoming} on: {why}.", upcoming
        ) from error
    except OSError as error:
        raise LogUnreadable(f"{path} cannot be read: {error.strerror}.") from error


def read_manifest(path: Path) -> ExportManifest:
    """Read what a folder says it holds, or raise FixableError."""
    try:
        content = (path / MANIFEST).read_bytes()
    except OSError as error:
        raise FixableError(f"{path} is no exported log: {MANIFEST} cannot be read ({error.strerror}).") from error
    try:
        manifest = msgspec.json.decode(content, type=ExportManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FixableError(f"{path / MANIFEST} is broken: {why_not_decoded(error)}.") from error
    if manifest.format != FORMAT:
        raise FixableError(f"{path} has format {manifest.format}, and this version reads {FORMAT}.")
    if manifest.sha256 != manifest_hash(manifest):
        raise FixableError(f"{path / MANIFEST} is not what was written: its SHA-256 differs.")
    return manifest


def manifest_hash(manifest: msgspec.Struct) -> str:
    """Give the SHA-256 that a manifest must carry in its field `sha256`."""
    plain = msgspec.to_builtins(msgspec.structs.replace(manifest, sha256=""))
    return sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _batches(source: Any) -> Iterator[list[LogRecord]]:
    blocks: Any = fastavro.block_reader(source)
    for block in blocks:
        yield list(starmap(LogRecord, map(_FIELDS, block)))


def _cut(file: File, block: Block, size: int) -> Difference:
    what = f"it ends in the middle of {_place_of(block)}"
    return _damaged(file, block, what, "size", f"{file.blocks[-1].end} bytes", f"{size} bytes")


def _changed(file: File, block: Block, found: str) -> Difference:
    return _damaged(file, block, f"{_place_of(block)} are not what was exported", "sha256", block.sha256, found)


def _damaged(file: File, block: Block, what: str, field: str, expected: str, found: str) -> Difference:
    return Difference(
        judge="files",
        shard=file.shard,
        what=f"{file.name}: {what}",
        offset=max(block.first_offset, 0),
        field=field,
        expected=expected,
        found=found,
    )


def _place_of(block: Block) -> str:
    return "its head" if block.last_offset < 0 else f"records {block.first_offset} to {block.last_offset}"
