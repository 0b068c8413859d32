"""How manifest are written and read: each version of each.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
"""

# A unit is an integer on the wire.
# mypy: disable-error-code="arg-type"

from typing import Final

from librt.strings import BytesWriter

from schemas.forms import Form
from schemas.manifest import SnapshotManifest
from schemas.messages import Instrument
from schemas.messages_codec import read_instrument_2, write_instrument_2
from schemas.wire import (
    must_end,
    read_block,
    read_fixed,
    read_is_null,
    read_long,
    write_fixed,
    write_long,
    write_not_null,
    write_null,
)


def write_snapshot_manifest_1(out: BytesWriter, record: SnapshotManifest) -> None:
    """Write the fields of version 1."""
    write_long(out, record.shard)
    write_long(out, record.slots)
    write_long(out, record.slot)
    write_long(out, record.number)
    write_long(out, record.next_offset)
    write_long(out, record.time)
    write_long(out, record.seq)
    write_fixed(out, record.digest, 16)
    write_long(out, record.accounts)
    write_long(out, record.positions)
    write_long(out, record.format)
    write_long(out, record.rules_version)
    if record.chunk_offsets:
        write_long(out, len(record.chunk_offsets))
        for chunk_offsets_item in record.chunk_offsets:
            write_long(out, chunk_offsets_item)
    write_long(out, 0)
    write_long(out, record.uncompressed_bytes)
    write_fixed(out, record.sha256, 32)
    if record.previous_manifest_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.previous_manifest_offset)


def read_snapshot_manifest_1(value: bytes, at: int) -> SnapshotManifest:
    """Read the fields of version 1."""
    shard, at = read_long(value, at)
    slots, at = read_long(value, at)
    slot, at = read_long(value, at)
    number, at = read_long(value, at)
    next_offset, at = read_long(value, at)
    time, at = read_long(value, at)
    seq, at = read_long(value, at)
    digest, at = read_fixed(value, at, 16)
    accounts, at = read_long(value, at)
    positions, at = read_long(value, at)
    format, at = read_long(value, at)
    rules_version, at = read_long(value, at)
    chunk_offsets_items: list[int] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            chunk_offsets_item, at = read_long(value, at)
            chunk_offsets_items.append(chunk_offsets_item)
        count, at = read_block(value, at)
    chunk_offsets = tuple(chunk_offsets_items)
    uncompressed_bytes, at = read_long(value, at)
    sha256, at = read_fixed(value, at, 32)
    previous_manifest_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        previous_manifest_offset, at = read_long(value, at)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return SnapshotManifest(
        shard=shard,
        slots=slots,
        slot=slot,
        number=number,
        next_offset=next_offset,
        time=time,
        seq=seq,
        digest=digest,
        accounts=accounts,
        positions=positions,
        format=format,
        rules_version=rules_version,
        chunk_offsets=chunk_offsets,
        uncompressed_bytes=uncompressed_bytes,
        sha256=sha256,
        previous_manifest_offset=previous_manifest_offset,
        instruments=None,
    )


def write_snapshot_manifest_2(out: BytesWriter, record: SnapshotManifest) -> None:
    """Write the fields of version 2."""
    write_long(out, record.shard)
    write_long(out, record.slots)
    write_long(out, record.slot)
    write_long(out, record.number)
    write_long(out, record.next_offset)
    write_long(out, record.time)
    write_long(out, record.seq)
    write_fixed(out, record.digest, 16)
    write_long(out, record.accounts)
    write_long(out, record.positions)
    write_long(out, record.format)
    write_long(out, record.rules_version)
    if record.chunk_offsets:
        write_long(out, len(record.chunk_offsets))
        for chunk_offsets_item in record.chunk_offsets:
            write_long(out, chunk_offsets_item)
    write_long(out, 0)
    write_long(out, record.uncompressed_bytes)
    write_fixed(out, record.sha256, 32)
    if record.previous_manifest_offset is None:
        write_null(out)
    else:
        write_not_null(out)
        write_long(out, record.previous_manifest_offset)
    if record.instruments is None:
        write_null(out)
    else:
        write_not_null(out)
        if record.instruments:
            write_long(out, len(record.instruments))
            for instruments_item in record.instruments:
                write_instrument_2(out, instruments_item)
        write_long(out, 0)


def read_snapshot_manifest_2(value: bytes, at: int) -> SnapshotManifest:
    """Read the fields of version 2."""
    shard, at = read_long(value, at)
    slots, at = read_long(value, at)
    slot, at = read_long(value, at)
    number, at = read_long(value, at)
    next_offset, at = read_long(value, at)
    time, at = read_long(value, at)
    seq, at = read_long(value, at)
    digest, at = read_fixed(value, at, 16)
    accounts, at = read_long(value, at)
    positions, at = read_long(value, at)
    format, at = read_long(value, at)
    rules_version, at = read_long(value, at)
    chunk_offsets_items: list[int] = []
    count, at = read_block(value, at)
    while count:
        for _ in range(count):
            chunk_offsets_item, at = read_long(value, at)
            chunk_offsets_items.append(chunk_offsets_item)
        count, at = read_block(value, at)
    chunk_offsets = tuple(chunk_offsets_items)
    uncompressed_bytes, at = read_long(value, at)
    sha256, at = read_fixed(value, at, 32)
    previous_manifest_offset: int | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        previous_manifest_offset, at = read_long(value, at)
    instruments: tuple[Instrument, ...] | None = None
    is_null, at = read_is_null(value, at)
    if not is_null:
        instruments_items: list[Instrument] = []
        count, at = read_block(value, at)
        while count:
            for _ in range(count):
                instruments_item, at = read_instrument_2(value, at)
                instruments_items.append(instruments_item)
            count, at = read_block(value, at)
        instruments = tuple(instruments_items)
    _, at = read_fixed(value, at, 16)
    must_end(value, at)
    return SnapshotManifest(
        shard=shard,
        slots=slots,
        slot=slot,
        number=number,
        next_offset=next_offset,
        time=time,
        seq=seq,
        digest=digest,
        accounts=accounts,
        positions=positions,
        format=format,
        rules_version=rules_version,
        chunk_offsets=chunk_offsets,
        uncompressed_bytes=uncompressed_bytes,
        sha256=sha256,
        previous_manifest_offset=previous_manifest_offset,
        instruments=instruments,
    )


FORMS: Final = (
    Form(
        SnapshotManifest,
        1,
        bytes.fromhex("c301a75f47fe3a9474d8"),
        write_snapshot_manifest_1,
        read_snapshot_manifest_1,
        missing=("instruments",),
    ),
    Form(
        SnapshotManifest, 2, bytes.fromhex("c3018feff04aafd4e2d2"), write_snapshot_manifest_2, read_snapshot_manifest_2
    ),
)
