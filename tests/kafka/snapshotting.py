"""Tests read a shard's snapshots, and write some of their own, whole or broken."""

from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from engine.core.fingerprint import state_digest
from engine.core.state import State
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT, restore
from runtime.kafka import admin_options, transactional_producer_options
from runtime.settings import Settings
from runtime.snapshots import FoundManifest, manifests, read_pages
from schemas.codec import digest_of
from schemas.manifest import SnapshotManifest
from schemas.record import replace
from schemas.snapshots import Packing, chunk_key, encode_manifest, manifest_key
from schemas.topics import SNAPSHOTS
from tests.kafka.workers import commands_in, events_in
from tests.replaying import execute_records


class Draft(NamedTuple):
    """A snapshot before it is written; a test changes what it likes."""

    manifest: SnapshotManifest
    chunks: list[bytes]


Alter = Callable[[Draft], Draft]


def snapshots_in(settings: Settings, shard: int) -> list[FoundManifest]:
    """The ring, newest first."""
    return list(manifests(settings, shard))


def loaded(settings: Settings, shard: int, manifest: SnapshotManifest) -> State:
    return restore(read_pages(settings, shard, manifest))


def replayed(settings: Settings, shard: int, next_offset: int) -> State:
    """The ledger as the commands before an offset make it, in this process."""
    return execute_records(shard, settings.shards, commands_in(settings, shard)[:next_offset], laws_every=10**9).state


def assert_every_snapshot_is_the_ledger_of_its_offset(settings: Settings, shard: int) -> None:
    found = snapshots_in(settings, shard)
    assert found
    values = [record.value for record in events_in(settings, shard)]
    for _, manifest in found:
        expected = replayed(settings, shard, manifest.next_offset)
        assert state_digest(loaded(settings, shard, manifest)) == state_digest(expected), manifest
        assert (manifest.seq, manifest.time) == (expected.seq, expected.time)
        assert manifest.digest == digest_of(values[manifest.seq - 1])
        assert (manifest.accounts, manifest.positions) == (len(expected.accounts), len(expected.positions))


class SnapshotWriter:
    """Writes snapshots as an engine does, one after the other."""

    def __init__(self, settings: Settings, shard: int) -> None:
        self._settings = settings
        self._shard = shard
        self._producer = Producer(transactional_producer_options(settings, f"engine-{shard}-snapshots"))
        self._producer.init_transactions(15)

    def draft(self, next_offset: int) -> Draft:
        """A good snapshot of the ledger before this command."""
        state = replayed(self._settings, self._shard, next_offset)
        copying = begin_copy(state)
        packing = Packing()
        packing.add(iter(copying.next_page, None))
        end_copy(state)
        newest = next(manifests(self._settings, self._shard), None)
        number = 1 if newest is None else newest.manifest.number + 1
        manifest = SnapshotManifest(
            shard=self._shard,
            slots=10,
            slot=(number - 1) % 10,
            number=number,
            next_offset=state.next_offset,
            time=state.time,
            seq=state.seq,
            digest=digest_of(events_in(self._settings, self._shard)[state.seq - 1].value),
            accounts=len(state.accounts),
            positions=len(state.positions),
            format=FORMAT,
            rules_version=1,
            chunk_offsets=(),
            sha256=packing.finish(),
            uncompressed_bytes=packing.uncompressed_bytes,
            previous_manifest_offset=None if newest is None else newest.offset,
        )
        return Draft(manifest, packing.chunks)

    def write(self, draft: Draft, *, commit: bool = True, garble: Callable[[bytes], bytes] | None = None) -> None:
        """Write it, sound or not. Offsets of the draft are kept; garble: changes the manifest's bytes."""
        offsets: list[int] = []

        def note(_error: object, message: Message) -> None:
            offset = message.offset()
            assert offset is not None
            offsets.append(offset)

        self._producer.begin_transaction()
        manifest = draft.manifest
        for number, chunk in enumerate(draft.chunks):
            key = chunk_key(manifest.slot, number)
            self._producer.produce(SNAPSHOTS, chunk, key, self._shard, on_delivery=note)
        assert self._producer.flush(10) == 0
        if not manifest.chunk_offsets:
            manifest = changed(manifest, chunk_offsets=tuple(offsets))
        value = encode_manifest(manifest)
        self._producer.produce(
            SNAPSHOTS, value if garble is None else garble(value), manifest_key(manifest.slot), self._shard
        )
        assert self._producer.flush(10) == 0
        if commit:
            self._producer.commit_transaction(10)

    def take_back(self, key: bytes) -> None:
        """Write a tombstone for a key; compaction deletes the key's records."""
        self._producer.begin_transaction()
        self._producer.produce(SNAPSHOTS, None, key, self._shard)
        self._producer.commit_transaction(10)


def changed(manifest: SnapshotManifest, **fields: Any) -> SnapshotManifest:
    return replace(manifest, **fields)


def configure(settings: Settings, **values: str) -> None:
    """Set some of the snapshots topic's settings; `_` stands for a dot."""
    _alter(settings, ConfigResource(ResourceType.TOPIC, SNAPSHOTS, incremental_configs=_entries(values)))


def configure_broker(settings: Settings, **values: str) -> None:
    """Set some of the one broker's settings, while it runs."""
    _alter(settings, ConfigResource(ResourceType.BROKER, "1", incremental_configs=_entries(values)))


def _entries(values: dict[str, str]) -> list[ConfigEntry]:
    return [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in values.items()
    ]


def _alter(settings: Settings, resource: ConfigResource) -> None:
    admin = AdminClient(admin_options(settings))
    for change in admin.incremental_alter_configs([resource]).values():
        change.result(timeout=10)
