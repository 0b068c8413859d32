"""Logs the tests of the audit are about: written by the core in this process, and exported as a real one is."""

from base64 import b64decode
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from audit.log.differences import Difference
from audit.log.log_reader import Batches, Extent
from engine.core.state import State, genesis
from engine.core.step import step
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT
from engine.snapshot.publish import named_instruments
from runtime.kafka import LogRecord
from schemas.codec import command_in, encode_and_chain, encode_command, first_digest
from schemas.commands import Command
from schemas.manifest import SnapshotManifest
from schemas.snapshots import Packing, chunk_key, encode_manifest, manifest_key
from tests.projector.streams import busy_exchange

GOLDEN = Path(__file__).parents[1] / "golden" / "commands.txt"
BATCH = 300
SLOTS = 3
NOT_A_COMMAND = b"these bytes are no command"


class Shard(msgspec.Struct):
    """One shard's records."""

    commands: list[LogRecord] = []
    events: list[LogRecord] = []
    snapshots: list[LogRecord] = []


class MemoryLog:
    """A log in memory, which a test may change as it likes."""

    def __init__(self, parts: list[Shard], name: str = "a log in memory") -> None:
        self.parts = parts
        self.name = name
        self.shards = len(parts)
        self.held = tuple(range(self.shards))

    def extent(self, shard: int) -> Extent:
        part = self.parts[shard]
        topics = (part.commands, part.events, part.snapshots)
        return Extent(*(records[-1].offset + 1 if records else 0 for records in topics))

    def renewed(self) -> "MemoryLog":
        return self

    def commands(self, shard: int, first: int) -> Batches:
        return _batches(self.parts[shard].commands, first)

    def events(self, shard: int, first: int) -> Batches:
        return _batches(self.parts[shard].events, first)

    def snapshots(self, shard: int) -> Batches:
        return _batches(self.parts[shard].snapshots, 0)

    def damages(self, shard: int) -> list[Difference]:
        del shard
        return []

    def copy(self) -> "MemoryLog":
        """Give a log of its own that a test may spoil."""
        return MemoryLog(
            [Shard(list(part.commands), list(part.events), list(part.snapshots)) for part in self.parts], self.name
        )


class Scribe:
    """Writes one shard as its engine would: commands, events behind control records, snapshots in a ring."""

    def __init__(self, shard: int, shards: int) -> None:
        self.state: State = genesis(shard, shards)
        self.digest = first_digest(shard)
        self.part = Shard([], [], [])
        self._manifests: list[int] = []

    def append(self, value: bytes, time_ms: int) -> None:
        """Append a command and what it leads to."""
        rules = self.state.rules_version
        command = command_in(value, rules)
        offset = len(self.part.commands)
        key = getattr(command, "account_id", None)
        self.part.commands.append(LogRecord(offset, time_ms, None if key is None else key.encode(), value))
        for event in step(self.state, command, offset=offset, time=time_ms * 1_000):
            encoded, self.digest = encode_and_chain(event, self.digest, rules)
            account = event.account_id
            place = _after_control_record(self.part.events, offset)
            self.part.events.append(
                LogRecord(place, time_ms + 2, None if account is None else account.encode(), encoded)
            )

    def snapshot(self) -> None:
        """Take a snapshot of the ledger as it is."""
        packing = Packing()
        copying = begin_copy(self.state)
        while (page := copying.next_page()) is not None:
            packing.add([page])
        end_copy(self.state)
        digest = packing.finish()
        number = len(self._manifests) + 1
        slot = (number - 1) % SLOTS
        first = self.part.snapshots[-1].offset + 2 if self.part.snapshots else 0
        offsets = tuple(first + place for place in range(len(packing.chunks)))
        manifest = SnapshotManifest(
            shard=self.state.shard,
            slots=SLOTS,
            slot=slot,
            number=number,
            next_offset=self.state.next_offset,
            time=self.state.time,
            seq=self.state.seq,
            digest=self.digest,
            accounts=len(self.state.accounts),
            positions=len(self.state.positions),
            format=FORMAT,
            rules_version=self.state.rules_version,
            chunk_offsets=offsets,
            uncompressed_bytes=packing.uncompressed_bytes,
            sha256=digest,
            previous_manifest_offset=self._manifests[-1] if self._manifests else None,
            instruments=named_instruments(self.state),
        )
        records = [
            LogRecord(offset, 0, chunk_key(slot, place), chunk)
            for place, (offset, chunk) in enumerate(zip(offsets, packing.chunks, strict=True))
        ]
        end = first + len(packing.chunks)
        self.part.snapshots += [*records, LogRecord(end, 0, manifest_key(slot), encode_manifest(manifest))]
        self._manifests.append(end)


def written(shard: int, shards: int, commands: Iterable[tuple[int, Command | None]], *, snapshot_every: int) -> Shard:
    """Write a shard of commands, each with its time (µs)."""
    scribe = Scribe(shard, shards)
    for number, (time, command) in enumerate(commands, 1):
        scribe.append(NOT_A_COMMAND if command is None else encode_command(command), time // 1_000)
        if number % snapshot_every == 0:
            scribe.snapshot()
    return scribe.part


@cache
def golden_log() -> MemoryLog:
    """The recorded log of tests/golden, with snapshots. Shared: a test that changes it takes a copy."""
    scribe = Scribe(0, 1)
    for number, line in enumerate(GOLDEN.read_text().splitlines(), 1):
        time, value = line.split()
        scribe.append(b64decode(value), int(time) // 1_000)
        if number % 150 == 0:
            scribe.snapshot()
    return MemoryLog([scribe.part], "the golden log")


@cache
def parts_log() -> MemoryLog:
    """The recorded log in which people close parts. Shared, like the golden one."""
    lines = (line.split() for line in GOLDEN.with_name("parts-commands.txt").read_text().splitlines())
    commands = ((int(time), command_in(b64decode(value))) for time, value in lines)
    return MemoryLog([written(0, 1, commands, snapshot_every=150)], "the log of parts")


@cache
def second_log() -> MemoryLog:
    """The recorded log of a ledger born under version 2. Shared, like the golden one."""
    scribe = Scribe(0, 1)
    for number, line in enumerate(GOLDEN.with_name("version-2-commands.txt").read_text().splitlines(), 1):
        time, value = line.split()
        scribe.append(b64decode(value), int(time) // 1_000)
        if number % 150 == 0:
            scribe.snapshot()
    return MemoryLog([scribe.part], "the log of version 2")


@cache
def busy_log() -> MemoryLog:
    """Four shards on which people trade. Shared, like the golden one."""
    exchange = busy_exchange(seed=5, accounts=16, rounds=40)
    parts = [written(shard, exchange.shards, sent, snapshot_every=120) for shard, sent in enumerate(exchange.sent)]
    return MemoryLog(parts, "the busy log")


def _batches(records: list[LogRecord], first: int) -> Batches:
    found = [record for record in records if record.offset >= first]
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]


def _after_control_record(events: list[LogRecord], command: int) -> int:
    """A transaction of some commands' events ends with a record that is never delivered, but takes an offset."""
    if not events:
        return 0
    return events[-1].offset + (2 if command % 7 == 0 else 1)
