"""What a backup is: a tar archive that only its owner reads, whose first entry names all others with their hashes."""

import os
import re
import tarfile
import time
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import msgspec

from audit.log.folder import manifest_hash
from runtime.errors import FixableError
from runtime.json_faults import why_not_decoded

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
MANIFEST_BYTES_MAX: Final = 256 * 1024 * 1024
PIECE: Final = 1024 * 1024
# Where a block of tar's has its checksum, which is taken with eight spaces in its place.
CHECKSUM: Final = slice(148, 156)
CHECKSUM_BLANK: Final = 8 * ord(" ")
NAME: Final = re.compile(r"(log/|venue/|tables/)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
WHAT: Final = (
    "A backup of a Reprise instance: its log as `./reprise log export` writes it, the venue's topics, the tables that "
    "no event would bring back, and its secrets. It is as secret as the instance's folder."
)


class PackedFile(msgspec.Struct, frozen=True):
    """An entry of the archive."""

    name: str
    size: int
    sha256: str


class PackedTable(msgspec.Struct, frozen=True):
    """A table's rows, in PostgreSQL's text format: in which file, which columns, how many."""

    table: str
    file: str
    columns: list[str]
    rows: int


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup holds. revisions: of each schema; commands: where each shard's end. sha256: with an empty one."""

    format: int
    what: str
    made_at: str
    source: str
    shards: int
    rules: int
    revisions: dict[str, str]
    commands: list[int]
    tables: list[PackedTable]
    left_out: list[str]
    files: list[PackedFile]
    sha256: str = ""


class _Versioned(msgspec.Struct):
    """The one field that every format has."""

    format: int


def described(path: Path, name: str) -> PackedFile:
    """Hash a file that is to be packed under a name."""
    digest, size = sha256(), 0
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return PackedFile(name, size, digest.hexdigest())


def pack(folder: Path, manifest: BackupManifest, target: Path) -> None:
    """Write the archive of a folder's files, and take each from the folder once it is in."""
    content = msgspec.json.encode(msgspec.structs.replace(manifest, sha256=manifest_hash(manifest)))
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(_entry(MANIFEST, len(content)), BytesIO(content))
            for file in manifest.files:
                path = folder / file.name
                with path.open("rb") as source:
                    archive.addfile(_entry(file.name, file.size), source)
                path.unlink()
        out.flush()
        os.fsync(out.fileno())


def unpack(file: Path, folder: Path) -> BackupManifest:
    """Write every entry to a folder, or raise FixableError: each must be there, and have its hash."""
    try:
        with file.open("rb") as source, tarfile.open(fileobj=source, mode="r:") as archive:
            manifest = _manifest_of(file, archive)
            for expected in manifest.files:
                entry = archive.next()
                if entry is None or not entry.isreg() or (entry.name, entry.size) != (expected.name, expected.size):
                    raise FixableError(f"{file} is not whole: {expected.name} is not where it was written.")
                if NAME.fullmatch(expected.name) is None:
                    raise FixableError(f"{file} is no backup that `./reprise backup` made: it has {expected.name!r}.")
                content = archive.extractfile(entry)
                assert content is not None, "a regular file has content"
                if _copy(content, folder / expected.name) != expected.sha256:
                    raise FixableError(f"{file} is damaged: {expected.name} does not have its SHA-256.")
            if archive.next() is not None:
                raise FixableError(f"{file} is damaged: it has more than its manifest names.")
            if not _is_exact(source, archive.getmembers()):
                raise FixableError(
                    f"{file} is not as `./reprise backup` wrote it: its end, or what is between its files."
                )
    except (tarfile.TarError, EOFError) as error:
        raise FixableError(f"{file} is not whole, or no backup: {error}.") from error
    return manifest


def _manifest_of(file: Path, archive: tarfile.TarFile) -> BackupManifest:
    entry = archive.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg() or entry.size > MANIFEST_BYTES_MAX:
        raise FixableError(f"{file} is no backup that `./reprise backup` made: it does not begin with {MANIFEST}.")
    content = archive.extractfile(entry)
    assert content is not None, "a regular file has content"
    text = content.read()
    try:
        version = msgspec.json.decode(text, type=_Versioned).format
        if version > FORMAT:
            raise FixableError(f"{file} has format {version}: a newer version of Reprise made it, and restores it.")
        manifest = msgspec.json.decode(text, type=BackupManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FixableError(f"{file} is damaged: its {MANIFEST} cannot be read: {why_not_decoded(error)}.") from error
    if manifest.sha256 != manifest_hash(manifest):
        raise FixableError(f"{file} is damaged: its {MANIFEST} does not have its SHA-256.")
    return manifest


def _is_exact(source: IO[bytes], entries: list[tarfile.TarInfo]) -> bool:
    """Whether all that is not the content of a file, which has its hash, is as `pack` wrote it, up to the last byte."""
    end = 0
    for entry in entries:
        source.seek(end)
        gap, header = source.read(entry.offset - end), source.read(entry.offset_data - entry.offset)
        if any(gap) or not _is_exact_header(header):
            return False
        end = entry.offset_data + entry.size
    source.seek(end)
    size = end + len(source.read(2 * tarfile.RECORDSIZE))
    least = end + -end % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE
    source.seek(end)
    return size == least + -least % tarfile.RECORDSIZE and not any(source.read())


def _is_exact_header(header: bytes) -> bool:
    """Whether the blocks of a header have the checksums they were written with; of a very large file it has three."""
    blocks = [header[place : place + tarfile.BLOCKSIZE] for place in range(0, len(header), tarfile.BLOCKSIZE)]
    sums_are_exact = all(
        block[CHECKSUM] == b"%06o\0 " % (sum(block) - sum(block[CHECKSUM]) + CHECKSUM_BLANK)
        for block in (blocks[0], blocks[-1])
    )
    extended = b"".join(blocks[1:-1]).rstrip(b"\0")
    return sums_are_exact and b"\0" not in extended and (not extended or extended.endswith(b"\n"))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


def _copy(source: IO[bytes], path: Path) -> str:
    """Write what is read, for its owner only; its SHA-256."""
    digest = sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while piece := source.read(PIECE):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()
