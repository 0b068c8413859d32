"""What a snapshot's last record says of it.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
"""

from typing import ClassVar, Final

from schemas.messages import Instrument
from schemas.record import Record


class SnapshotManifest(Record):
    """Last record of a snapshot's transaction: which ledger it is, where its chunks stand, and what they must be."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "shard",
        "slots",
        "slot",
        "number",
        "next_offset",
        "time",
        "seq",
        "digest",
        "accounts",
        "positions",
        "format",
        "rules_version",
        "chunk_offsets",
        "uncompressed_bytes",
        "sha256",
        "previous_manifest_offset",
        "instruments",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("instruments",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        shard: int,
        slots: int,
        slot: int,
        number: int,
        next_offset: int,
        time: int,
        seq: int,
        digest: bytes,
        accounts: int,
        positions: int,
        format: int,
        rules_version: int,
        chunk_offsets: tuple[int, ...],
        uncompressed_bytes: int,
        sha256: bytes,
        previous_manifest_offset: int | None,
        instruments: tuple[Instrument, ...] | None = None,
    ) -> None:
        self.shard: Final = shard
        self.slots: Final = slots
        self.slot: Final = slot
        self.number: Final = number
        self.next_offset: Final = next_offset
        self.time: Final = time
        self.seq: Final = seq
        self.digest: Final = digest
        self.accounts: Final = accounts
        self.positions: Final = positions
        self.format: Final = format
        self.rules_version: Final = rules_version
        self.chunk_offsets: Final = chunk_offsets
        self.uncompressed_bytes: Final = uncompressed_bytes
        self.sha256: Final = sha256
        self.previous_manifest_offset: Final = previous_manifest_offset
        self.instruments: Final = instruments
