"""A snapshot's manifest and chunks come back as they were, or are refused with the reason."""

import random
from typing import Any

import pytest

from schemas.avro_files import released_schemas
from schemas.codec import PREFIX_SIZE
from schemas.generator.names import prefix_of
from schemas.instruments import INSTRUMENTS
from schemas.manifest import SnapshotManifest
from schemas.record import field_names, replace
from schemas.snapshots import (
    CHUNK_BYTES,
    Packing,
    SnapshotUnreadable,
    chunk_key,
    decode_manifest,
    encode_manifest,
    is_manifest_key,
    manifest_key,
    unpack,
    why_unusable,
)

MANIFEST = SnapshotManifest(
    shard=1,
    slots=10,
    slot=3,
    number=14,
    next_offset=1_000,
    time=1_700_000_000_000_000,
    seq=1_003,
    digest=bytes(range(16)),
    accounts=5,
    positions=2,
    format=1,
    rules_version=1,
    chunk_offsets=(300, 301),
    uncompressed_bytes=1_234_567,
    sha256=bytes(range(32)),
    previous_manifest_offset=298,
)
# Written once, and read for ever.
GOLDEN = bytes.fromhex(
    "c301a75f47fe3a9474d80214061cd00f8080f28183898506d60f000102030405060708090a0b0c0d0e0f0a04020204d804da"
    "04008eda9601000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f02d404eee205662a4b42b448"
    "cb970a6b6d0d2c"
)
BLOCK = random.Random(1).randbytes(1 << 20)


def changed(**fields: Any) -> SnapshotManifest:
    return replace(MANIFEST, **fields)


def packed(pages: list[bytes]) -> tuple[SnapshotManifest, list[bytes]]:
    """Pages as chunks, and a manifest that describes them rightly."""
    packing = Packing()
    for page in pages:
        packing.add([page])
    sha256 = packing.finish()
    offsets = tuple(range(300, 300 + len(packing.chunks)))
    return changed(chunk_offsets=offsets, uncompressed_bytes=packing.uncompressed_bytes, sha256=sha256), packing.chunks


def test_a_manifest_is_the_same_after_encoding_and_decoding() -> None:
    for manifest in (MANIFEST, changed(previous_manifest_offset=None), changed(seq=0, next_offset=0, time=0)):
        assert decode_manifest(encode_manifest(manifest)) == manifest


def test_a_manifest_written_once_is_read_for_ever() -> None:
    assert decode_manifest(GOLDEN) == MANIFEST
    assert encode_manifest(MANIFEST) == GOLDEN


def test_a_manifest_that_names_instruments_is_written_by_the_newest_schema() -> None:
    manifest = changed(rules_version=2, instruments=INSTRUMENTS)
    value = encode_manifest(manifest)
    assert decode_manifest(value) == manifest
    assert value[:PREFIX_SIZE] == prefix_of(released_schemas(SnapshotManifest.__name__)[2])
    assert GOLDEN[:PREFIX_SIZE] == prefix_of(released_schemas(SnapshotManifest.__name__)[1])


def test_the_newest_schema_has_the_manifest_s_fields_in_order_and_the_checksum_last() -> None:
    released = released_schemas(SnapshotManifest.__name__)
    names = [field["name"] for field in released[max(released)]["fields"]]
    assert names == [*field_names(SnapshotManifest), "checksum"]


def test_a_manifest_with_any_flipped_bit_is_refused() -> None:
    value = encode_manifest(MANIFEST)
    for place in range(len(value) * 8):
        turned = bytearray(value)
        turned[place // 8] ^= 1 << place % 8
        with pytest.raises(SnapshotUnreadable):
            decode_manifest(bytes(turned))


@pytest.mark.parametrize("value", [None, b"", b"\xc3\x01", GOLDEN[:-1], GOLDEN + b"\0", GOLDEN[:30]])
def test_bytes_that_are_no_manifest_are_refused(value: bytes | None) -> None:
    with pytest.raises(SnapshotUnreadable):
        decode_manifest(value)


def test_a_manifest_of_a_later_schema_is_refused_with_its_fingerprint() -> None:
    with pytest.raises(SnapshotUnreadable, match="a schema of another version, fingerprint 0000000000000000"):
        decode_manifest(GOLDEN[:2] + bytes(8) + GOLDEN[10:])


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (changed(shard=-1), "a number is negative"),
        (changed(seq=-1), "a number is negative"),
        (changed(chunk_offsets=(-1, 300)), "a number is negative"),
        (changed(number=0), "its number or a version is below 1"),
        (changed(format=0), "its number or a version is below 1"),
        (changed(slot=10), "slot 10 of 10"),
        (changed(chunk_offsets=()), "it has no chunks"),
        (changed(uncompressed_bytes=0), "it has no chunks"),
        (changed(chunk_offsets=(300, 300)), "its chunks do not follow each other"),
        (changed(previous_manifest_offset=300), "the manifest before it is at 300"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_manifest_with_contradictory_fields_is_refused(manifest: SnapshotManifest, why: str) -> None:
    with pytest.raises(SnapshotUnreadable, match=why):
        decode_manifest(encode_manifest(manifest))


def test_a_manifest_is_unusable_for_another_shard_beyond_the_committed_events_or_for_older_code() -> None:
    def why(manifest: SnapshotManifest) -> str | None:
        return why_unusable(manifest, shard=1, seq=1_003, format_version=2, rules_version=3)

    assert why(MANIFEST) is None
    assert why(changed(time=0)) is None, "age never disqualifies one"
    assert why(changed(format=2, rules_version=3)) is None
    assert why(changed(shard=2)) == "it is of shard 2"
    assert why(changed(format=3)) == "its format is 3, and this version of Reprise reads up to 2"
    assert why(changed(rules_version=4)) == "its rules are version 4, and this version of Reprise has up to 3"
    assert why(changed(seq=1_004)) == "it has event 1004, and events are committed up to 1003"


def test_keys_name_the_slot_and_the_chunk() -> None:
    assert (chunk_key(3, 12), manifest_key(3)) == (b"3/12", b"3/manifest")
    assert is_manifest_key(b"3/manifest")
    assert not is_manifest_key(b"3/12")
    assert not is_manifest_key(None)


@pytest.mark.parametrize(
    "pages",
    [
        [b"one page"],
        [b""],
        [BLOCK[:65_536]] * 40,
        [BLOCK + BLOCK + b"a page larger than two chunks", b"", b"small"],
        [BLOCK[: CHUNK_BYTES - 4]],
        [BLOCK[: CHUNK_BYTES - 5], b"x"],
    ],
    ids=["small", "empty", "usual", "large", "exactly one chunk", "a length across two chunks"],
)
def test_pages_are_packed_in_chunks_under_the_broker_s_limit_and_unpacked_unchanged(pages: list[bytes]) -> None:
    manifest, chunks = packed(pages)
    assert max(map(len, chunks)) <= 900_000
    assert list(unpack(manifest, chunks)) == pages


PAGES = [BLOCK[:700_000], BLOCK[:700_000], BLOCK[700_000:]]


@pytest.mark.parametrize(
    ("alter", "why"),
    [
        (lambda chunks: chunks[:-1], "bytes early"),
        (lambda chunks: [*chunks, chunks[0]], "where at most 0 may follow"),
        (lambda chunks: [chunks[1], chunks[0], *chunks[2:]], "longer than what is left|SHA-256"),
        (lambda chunks: [chunks[0][:-1], *chunks[1:]], "cannot be decompressed"),
        (lambda chunks: [b"", *chunks[1:]], "cannot be decompressed"),
        (lambda chunks: [b"no zstd at all", *chunks[1:]], "cannot be decompressed"),
        (lambda chunks: [flipped(chunks[0]), *chunks[1:]], "cannot be decompressed"),
    ],
    ids=["one missing", "one too many", "swapped", "truncated", "empty", "another format", "one bit turned"],
)
def test_chunks_that_contradict_their_manifest_are_refused(alter: Any, why: str) -> None:
    manifest, chunks = packed(PAGES)
    with pytest.raises(SnapshotUnreadable, match=why):
        list(unpack(manifest, alter(chunks)))


def test_whole_chunks_of_another_snapshot_are_refused_by_their_hash() -> None:
    manifest, _ = packed([b"one ledger"])
    _, chunks = packed([b"another  1"])
    with pytest.raises(SnapshotUnreadable, match="its SHA-256 is"):
        list(unpack(manifest, chunks))


def flipped(chunk: bytes) -> bytes:
    altered = bytearray(chunk)
    altered[len(chunk) // 2] ^= 1
    return bytes(altered)
