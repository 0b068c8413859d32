"""How market data learns what the ledger says: from the newest snapshot's manifest, and the events after it."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from market_data.clock import Clock
from market_data.ledger import FollowedLedger
from runtime.kafka import TIMEOUT_S, bounds, reader_options
from runtime.settings import Settings
from runtime.snapshots import manifests
from schemas.codec import PREFIX_SIZE, decode_event, digest_of, prefixes_of, seq_of
from schemas.events import InstrumentsDefined, RulesActivated
from schemas.manifest import SnapshotManifest
from schemas.topics import EVENTS

BATCH: Final = 500
PAUSE_S: Final = 0.05
# Nobody waits for what is read here, so the broker answers with all that came in the tenth of a second it may wait.
GATHERED: Final = {"fetch.min.bytes": 1 << 20}
SLACK_MS: Final = 10_000  # between an event's log time and the broker's or its writer's clock
INSTRUMENTS_WITHIN_S: Final = 120.0
END_WITHIN_S: Final = 10.0

log = structlog.get_logger(__name__)


class FollowStart(NamedTuple):
    """Where a shard's events are read from. manifest: what is known of the ledger before, null for nothing."""

    offset: int
    manifest: SnapshotManifest | None


class LedgerReader:
    """Follows the events of every shard, and decodes only those that define instruments or activate rules.

    Of all others it notes the kind: it says where positions are open, and where commands come.

    What a manifest says counts once the event it names is met; where the events say otherwise, it is of another log,
    and the shard is read from its beginning.
    """

    def __init__(self, settings: Settings, ledger: FollowedLedger, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._consumer = Consumer(reader_options(settings, "reprise-market-data") | GATHERED)
        self._wanted = prefixes_of(InstrumentsDefined, RulesActivated)
        self._unmet: dict[int, SnapshotManifest] = {}
        self._bounds: dict[int, tuple[int, int]] = {}

    def begin(self) -> None:
        """Look where each shard is to be read from. Blocks; for a thread."""
        starts = []
        for shard in range(self._ledger.shards):
            self._bounds[shard] = bounds(self._consumer, EVENTS, shard)
            start = self._start_of(shard)
            if start.manifest is not None:
                self._unmet[shard] = start.manifest
                self._ledger.activate(shard, start.manifest.rules_version)
                self._ledger.define(shard, start.manifest.instruments or ())
                if start.manifest.instruments is not None:
                    self._ledger.activity.begin(shard, start.manifest.positions)
            starts.append(TopicPartition(EVENTS, shard, start.offset))
        self._consumer.assign(starts)

    async def follow(self) -> None:
        """Note what the events say, for ever."""
        while True:
            messages = self._consumer.consume(BATCH, 0)
            begun_again: set[int] = set()
            for message in messages:
                shard, error = message.partition(), message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name.
                    if error.fatal():
                        raise KafkaException(error)
                    # Brokers that are away come back; where they do not, the prices cannot be sent either.
                    log.warning("events not read", error=error.str())
                elif shard is not None and shard not in begun_again and not self._take(shard, message):
                    begun_again.add(shard)
            await asyncio.sleep(0 if len(messages) == BATCH else PAUSE_S)

    async def wait_until_known(self) -> None:
        """Return when instruments and rules of every shard are known, while `follow` runs.

        A recording that began earlier would be played to nobody. Shards that have no instruments after two minutes
        refuse their prices, and that is visible; what comes before the end of a very long log is not waited for.
        """
        log.info("waiting until every shard knows its instruments", at_most_s=INSTRUMENTS_WITHIN_S)
        if not await _until(lambda: not self._ledger.shards_without_instruments(), INSTRUMENTS_WITHIN_S):
            missing = self._ledger.shards_without_instruments()
            log.warning("instruments are not defined yet; prices of these shards are refused", shards=missing)
        activity = self._ledger.activity
        if not await _until(lambda: not activity.unread, END_WITHIN_S):
            log.warning("rules and instruments may change: events are still being read", shards=sorted(activity.unread))
        if not self._ledger.followed:
            log.warning("no instrument that is to be followed is known", symbols=self._ledger.unknown_symbols())
            await _until(lambda: bool(self._ledger.followed), None)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _start_of(self, shard: int) -> FollowStart:
        """Find the newest manifest that can be read, and the offset of events of before its time."""
        found = next(manifests(self._settings, shard, lambda _offset, _why: None), None)
        if found is None or found.manifest.seq == 0:
            return FollowStart(OFFSET_BEGINNING, None)
        manifest = found.manifest
        if manifest.instruments is None:
            # Written under version 1 of the rules: what was defined is in the events alone.
            return FollowStart(OFFSET_BEGINNING, manifest)
        at = TopicPartition(EVENTS, shard, max(0, manifest.time // 1000 - SLACK_MS))
        (place,) = self._consumer.offsets_for_times([at], timeout=TIMEOUT_S)
        return FollowStart(place.offset if place.offset >= 0 else OFFSET_BEGINNING, manifest)

    def _take(self, shard: int, message: Message) -> bool:
        """Note what one message says; false where the shard is read again from its beginning."""
        if message.error() is not None:
            return self._take_end(shard, message.offset())
        value = message.value()
        assert value is not None, "every event has a value"
        manifest = self._unmet.get(shard)
        if manifest is not None:
            seq = seq_of(value)
            if seq > manifest.seq or (seq == manifest.seq and digest_of(value) != manifest.digest):
                return self._read_again(shard, manifest)
            if seq == manifest.seq:
                del self._unmet[shard]
            if manifest.instruments is not None:
                return True
        self._ledger.activity.note_event(shard, value, self._clock.monotonic())
        if value[:PREFIX_SIZE] in self._wanted:
            self._note(shard, value)
        return True

    def _take_end(self, shard: int, offset: int | None) -> bool:
        # A leader that was just elected may mark an end before the one that was read first.
        if offset is None or offset < self._bounds[shard][1]:
            return True
        manifest = self._unmet.get(shard)
        if manifest is not None:
            return self._read_again(shard, manifest)
        self._ledger.activity.note_end(shard)
        return True

    def _note(self, shard: int, value: bytes) -> None:
        event = decode_event(value)
        if isinstance(event, InstrumentsDefined):
            self._ledger.define(shard, event.instruments)
        elif isinstance(event, RulesActivated):
            # Of a log that is read from its beginning, the manifest may have said a later one already.
            self._ledger.activate(shard, max(event.version, self._ledger.rules_version(shard)))
            log.info("rules activated", shard=shard, version=event.version)

    def _read_again(self, shard: int, manifest: SnapshotManifest) -> bool:
        log.warning(
            "the newest snapshot is not of these events; they are read from the beginning",
            shard=shard,
            seq=manifest.seq,
        )
        del self._unmet[shard]
        self._ledger.forget(shard)
        self._consumer.seek(TopicPartition(EVENTS, shard, self._bounds[shard][0]))
        return False


async def _until(condition: Callable[[], bool], within_s: float | None) -> bool:
    """Wait until the events have brought a condition about; false where they did not in time."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110  # Events are looked at as often.
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        return False
    return True
