"""What a snapshot is in the log: pages in compressed chunks, and the manifest that says what they must be.

The pages follow each other, each behind its length; that stream is cut into chunks, and each chunk is compressed by
itself. So a chunk is never larger than it may be, however large a page is.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from itertools import pairwise
from typing import Final

import zstandard

from schemas import manifest_codec
from schemas.codec import MARKER, PREFIX_SIZE, NotDecodable, read_by
from schemas.forms import Form
from schemas.manifest import SnapshotManifest

# What zstd makes of the worst of them stays below 900 kB, and the broker takes no record over 1 MB.
CHUNK_BYTES: Final = 880_000
COMPRESSION_LEVEL: Final = 1
LENGTH_BYTES: Final = 4
MANIFEST_KEY_END: Final = b"/manifest"
CHECKSUM_SIZE: Final = 16

FORMS: Final[dict[bytes, Form]] = {form.prefix: form for form in manifest_codec.FORMS}  # oldest first


class SnapshotUnreadable(Exception):
    """A snapshot is not what it should be, or not for this code to read; the text says in which way."""


def chunk_key(slot: int, chunk: int) -> bytes:
    """Give the key of a slot's chunk, counted from 0."""
    return b"%d/%d" % (slot, chunk)


def manifest_key(slot: int) -> bytes:
    """Give the key of a slot's manifest."""
    return b"%d%b" % (slot, MANIFEST_KEY_END)


def is_manifest_key(key: bytes | None) -> bool:
    """Say whether a record of the topic is a manifest, by its key."""
    return key is not None and key.endswith(MANIFEST_KEY_END)


def encode_manifest(manifest: SnapshotManifest) -> bytes:
    """Give a manifest's record value: Avro in single-object encoding, by the oldest schema that has all its fields.

    So a worker of older code still loads what was written before later rules were activated.
    """
    content = next(form.encoded(manifest) for form in FORMS.values() if form.has_all_of(manifest))
    return content + _checksum(content)


def decode_manifest(value: bytes | None) -> SnapshotManifest:
    """Read a manifest's record value, written by any schema ever released, or raise SnapshotUnreadable."""
    if value is None or value[:2] != MARKER or len(value) < PREFIX_SIZE:
        raise SnapshotUnreadable("its manifest has no Avro single-object encoding")
    form = FORMS.get(value[:PREFIX_SIZE])
    if form is None:
        raise SnapshotUnreadable(
            f"its manifest has a schema of another version, fingerprint {value[2:PREFIX_SIZE].hex()}"
        )
    if _checksum(value[:-CHECKSUM_SIZE]) != value[-CHECKSUM_SIZE:]:
        raise SnapshotUnreadable("its manifest was altered: its checksum is not that of its bytes")
    try:
        manifest: SnapshotManifest = read_by(form, value)
    except NotDecodable as error:
        raise SnapshotUnreadable(f"its manifest cannot be read: {error}") from error
    contradiction = _contradiction(manifest)
    if contradiction is not None:
        raise SnapshotUnreadable(f"its manifest contradicts itself: {contradiction}")
    return manifest


def why_unusable(
    manifest: SnapshotManifest, *, shard: int, seq: int, format_version: int, rules_version: int
) -> str | None:
    """Say why a snapshot is not for this shard, these committed events or this code, or give null.

    seq: of the last committed event. The versions: the newest this code can read. Age never disqualifies one.
    """
    if manifest.shard != shard:
        return f"it is of shard {manifest.shard}"
    if manifest.format > format_version:
        return f"its format is {manifest.format}, and this version of Reprise reads up to {format_version}"
    if manifest.rules_version > rules_version:
        return f"its rules are version {manifest.rules_version}, and this version of Reprise has up to {rules_version}"
    if manifest.seq > seq:
        return f"it has event {manifest.seq}, and events are committed up to {seq}"
    return None


class Packing:
    """The chunks of one snapshot while its pages come; a thread of its own may call this."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.uncompressed_bytes = 0
        self._hash = sha256()
        self._rest = bytearray()
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)

    def add(self, pages: Iterable[bytes]) -> None:
        """Append pages, in order."""
        for page in pages:
            framed = len(page).to_bytes(LENGTH_BYTES, "little") + page
            self._hash.update(framed)
            self.uncompressed_bytes += len(framed)
            self._rest += framed
            while len(self._rest) >= CHUNK_BYTES:
                self.chunks.append(self._compressor.compress(self._rest[:CHUNK_BYTES]))
                del self._rest[:CHUNK_BYTES]

    def finish(self) -> bytes:
        """Close the last chunk, and give the SHA-256 of the whole."""
        if self._rest:
            self.chunks.append(self._compressor.compress(self._rest))
            self._rest = bytearray()
        return self._hash.digest()


def unpack(manifest: SnapshotManifest, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the pages of all chunks, in order.

    Raises SnapshotUnreadable where one is not what the manifest says; that the whole has the right hash is known
    only at the end, so what was made of the pages counts only after it.
    """
    found = sha256()
    left = manifest.uncompressed_bytes
    rest = b""
    for number, chunk in enumerate(chunks):
        stream = _decompressed(chunk, left, number)
        found.update(stream)
        left -= len(stream)
        rest += stream
        at = 0
        while len(rest) - at >= LENGTH_BYTES:
            end = at + LENGTH_BYTES + int.from_bytes(rest[at : at + LENGTH_BYTES], "little")
            if end > len(rest) + left:
                raise SnapshotUnreadable(f"chunk {number} has a page that is longer than what is left")
            if end > len(rest):
                break
            yield rest[at + LENGTH_BYTES : end]
            at = end
        rest = rest[at:]
    if left or rest:
        raise SnapshotUnreadable(f"it ends {left + len(rest)} bytes early")
    if found.digest() != manifest.sha256:
        raise SnapshotUnreadable(f"its SHA-256 is {found.hexdigest()}, and its manifest says {manifest.sha256.hex()}")


def _decompressed(chunk: bytes, limit: int, number: int) -> bytes:
    try:
        size = zstandard.frame_content_size(chunk)
        if not 0 < size <= min(limit, CHUNK_BYTES):
            raise SnapshotUnreadable(f"chunk {number} says it has {size} bytes, where at most {limit} may follow")
        return zstandard.ZstdDecompressor().decompress(chunk, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise SnapshotUnreadable(f"chunk {number} cannot be decompressed: {error}") from error


def _contradiction(manifest: SnapshotManifest) -> str | None:
    numbers = (
        manifest.shard,
        manifest.slot,
        manifest.next_offset,
        manifest.time,
        manifest.seq,
        manifest.accounts,
        manifest.positions,
        manifest.uncompressed_bytes,
        manifest.chunk_offsets[0] if manifest.chunk_offsets else 0,
    )
    if min(numbers) < 0:
        return "a number is negative"
    if min(manifest.number, manifest.format, manifest.rules_version) < 1:
        return "its number or a version is below 1"
    if manifest.slot >= manifest.slots:
        return f"slot {manifest.slot} of {manifest.slots}"
    if not manifest.chunk_offsets or not manifest.uncompressed_bytes:
        return "it has no chunks"
    if any(later <= earlier for earlier, later in pairwise(manifest.chunk_offsets)):
        return "its chunks do not follow each other"
    before = manifest.previous_manifest_offset
    if before is not None and not 0 <= before < manifest.chunk_offsets[0]:
        return f"the manifest before it is at {before}, and its chunks begin at {manifest.chunk_offsets[0]}"
    return None


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=CHECKSUM_SIZE).digest()
