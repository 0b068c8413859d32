"""A mark before the end that was read first is no end: reading a partition to its end waits for more."""

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, TopicPartition

from engine.shell import log, reading
from engine.shell.log import KafkaLog
from engine.shell.reading import FoundGap, find_gap
from runtime import kafka, snapshots
from runtime.kafka import read_back
from runtime.settings import Settings
from runtime.snapshots import manifests, read_pages
from schemas.manifest import SnapshotManifest
from schemas.offset_gaps import OffsetGap
from schemas.snapshots import Packing, chunk_key, encode_manifest, manifest_key
from schemas.topics import EVENTS

SHARD = 1
TIME_MS = 1_700_000_000_000


class FakeMessage:
    """A record, or a mark at an offset."""

    def __init__(self, offset: int, key: bytes | None = None, value: bytes | None = None) -> None:
        self._offset, self._key, self._value = offset, key, value

    def error(self) -> KafkaError | None:
        return KafkaError(KafkaError._PARTITION_EOF) if self._value is None else None

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return 2, TIME_MS + self._offset


class EarlyConsumer:
    """A reader of one partition whose leader marks an end before every record, and the true one at last.

    records: key and value by offset, and null for what has an offset and is never delivered.
    """

    records: ClassVar[list[tuple[bytes, bytes] | None]] = []

    def __init__(self, _options: dict[str, Any]) -> None:
        self._messages: Iterator[FakeMessage] = iter(())

    def get_watermark_offsets(self, _place: TopicPartition, timeout: float) -> tuple[int, int]:  # noqa: ARG002
        return 0, len(self.records)

    def assign(self, places: list[TopicPartition]) -> None:
        offset = places[0].offset
        found = [
            FakeMessage(place, *record)
            for place, record in enumerate(self.records)
            if record is not None and place >= offset
        ]
        marked = ((FakeMessage(message.offset()), message) for message in found)
        self._messages = itertools.chain(*marked, [FakeMessage(max(offset, len(self.records)))])

    def poll(self, _timeout: float) -> FakeMessage:
        return next(self._messages)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a broker that is not there; every reader of it is the one above."""
    for module in (kafka, snapshots, reading, log):
        monkeypatch.setattr(module, "Consumer", EarlyConsumer)
    return Settings.model_validate({"kafka_brokers": "nobody:9092"})


def put(monkeypatch: pytest.MonkeyPatch, *records: tuple[bytes, bytes] | None) -> None:
    monkeypatch.setattr(EarlyConsumer, "records", list(records))


def test_the_last_record_is_found_behind_an_early_mark(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, (b"a", b"1"), None, (b"b", b"2"), None)
    assert [record.offset for record in read_back(made, EVENTS, SHARD, 1)] == [2]
    assert [record.value for record in read_back(made, EVENTS, SHARD, 9)] == [b"1", b"2"]
    put(monkeypatch)
    assert read_back(made, EVENTS, SHARD, 9) == []


def test_a_sound_log_has_no_offset_gap_behind_an_early_mark(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, (b"a", b"1"), (b"b", b"2"), None, (b"c", b"3"), None)
    assert find_gap(made, SHARD, 1) is None
    assert find_gap(made, SHARD, 2) == FoundGap(OffsetGap(SHARD, 2, 2), is_accepted=False), "the next record is told"
    assert find_gap(made, SHARD, 4) == FoundGap(OffsetGap(SHARD, 4, 4), is_accepted=False), "a mark is no command"
    assert find_gap(made, SHARD, 5) is None, "nothing stands there yet"


def test_a_command_s_time_is_found_behind_an_early_mark(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, (b"a", b"1"), (b"b", b"2"), None)
    assert KafkaLog(made).appended_at(SHARD, 1) == TIME_MS + 1
    assert KafkaLog(made).appended_at(SHARD, 2) is None


def test_every_snapshot_is_found_and_read_behind_early_marks(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[tuple[bytes, bytes] | None] = []
    pages = [[b"one", b"two"], [b"three"]]
    for number, of_snapshot in enumerate(pages, 1):
        records += snapshot(number, len(records), of_snapshot)
    put(monkeypatch, *records)
    found = list(manifests(made, SHARD))
    assert [each.manifest.number for each in found] == [2, 1]
    assert [list(read_pages(made, SHARD, each.manifest)) for each in reversed(found)] == pages


def snapshot(number: int, first: int, pages: list[bytes]) -> list[tuple[bytes, bytes] | None]:
    """A snapshot's records from an offset on, its control record last; where the one before it is, it does not say."""
    packing = Packing()
    packing.add(pages)
    manifest = SnapshotManifest(
        shard=SHARD,
        slots=3,
        slot=number,
        number=number,
        next_offset=number,
        time=0,
        seq=number,
        digest=bytes(16),
        accounts=0,
        positions=0,
        format=1,
        rules_version=1,
        sha256=packing.finish(),
        chunk_offsets=(first,),
        uncompressed_bytes=packing.uncompressed_bytes,
        previous_manifest_offset=None,
    )
    (chunk,) = packing.chunks
    return [(chunk_key(number, 0), chunk), (manifest_key(number), encode_manifest(manifest)), None]
