"""What the ledger says is read from the newest manifest that is of this log, and from the events after it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from market_data import activity, ledger_reader
from market_data.clock import SystemClock
from market_data.ledger import FollowedLedger
from market_data.ledger_reader import LedgerReader
from runtime.kafka import command_producer_options
from runtime.settings import Settings
from schemas.codec import decode_event, encode_and_chain, first_digest
from schemas.events import Event, EventHeader, InstrumentsDefined, RulesActivated
from schemas.manifest import SnapshotManifest
from schemas.messages import Instrument
from schemas.record import replace
from schemas.snapshots import encode_manifest, manifest_key
from schemas.topics import EVENTS, SNAPSHOTS
from schemas.units import Ppm, Timestamp
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, ETH
from tests.market_data.ledgers import DOGE, instrument
from tests.market_data.log import NO_ONE, accepted

NOTICED_S = 20.0


class EventLog:
    """Writes a shard's events in the engine's place, and manifests of it."""

    def __init__(self, settings: Settings, shard: int = 0) -> None:
        self._settings, self._shard = settings, shard
        self._producer = Producer(command_producer_options(settings))
        self._digest = first_digest(shard)
        self._seq = 0
        self._rules = 1
        self._instruments: dict[str, Instrument] = {}

    def write(self, event: Event) -> None:
        value, self._digest = encode_and_chain(event, self._digest, self._rules)
        self._producer.produce(EVENTS, value, partition=self._shard)
        assert self._producer.flush(10) == 0

    def define(self, *instruments: Instrument) -> None:
        self._instruments |= {instrument.symbol: instrument for instrument in instruments}
        self.write(InstrumentsDefined(self._header(), broadcast=f"b-{self._seq}", instruments=instruments))

    def activate(self, version: int) -> None:
        self.write(RulesActivated(self._header(), broadcast=f"rules-{version}", version=version))
        self._rules = version

    def trade(self, count: int) -> None:
        """Write so many events that say nothing about instruments or rules."""
        for _ in range(count):
            self._seq += 1
            value, self._digest = encode_and_chain(accepted(self._seq), self._digest, self._rules)
            self._producer.produce(EVENTS, value, partition=self._shard)
        assert self._producer.flush(10) == 0

    def keep_manifest(self, **changes: Any) -> None:
        """Write the manifest of a snapshot of now; without instruments under version 1, as the engine does."""
        manifest = SnapshotManifest(
            shard=self._shard,
            slots=10,
            slot=0,
            number=1,
            next_offset=self._seq,
            time=time.time_ns() // 1000,
            seq=self._seq,
            digest=self._digest,
            accounts=0,
            positions=0,
            format=1,
            rules_version=self._rules,
            chunk_offsets=(0,),
            uncompressed_bytes=1,
            sha256=bytes(32),
            previous_manifest_offset=None,
            instruments=None if self._rules == 1 else tuple(self._instruments.values()),
        )
        self._producer.produce(SNAPSHOTS, b"chunk", b"0/0", self._shard)
        self._producer.produce(SNAPSHOTS, encode_manifest(replace(manifest, **changes)), manifest_key(0), self._shard)
        assert self._producer.flush(10) == 0

    def _header(self) -> EventHeader:
        self._seq += 1
        return EventHeader(seq=self._seq, command_offset=self._seq, index=0, time=Timestamp(self._seq), **NO_ONE)


def decoded_events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Give the list that every event the reader decodes is put into."""
    seen: list[Event] = []

    def noting(value: bytes | None) -> Event:
        seen.append(decode_event(value))
        return seen[-1]

    monkeypatch.setattr(ledger_reader, "decode_event", noting)
    return seen


def known(settings: Settings, then: Callable[[FollowedLedger], Awaitable[None]] | None = None) -> FollowedLedger:
    """Give what a reader knows once it says so, and has done a little more."""

    async def read() -> FollowedLedger:
        ledger = FollowedLedger(settings.shards, settings.symbols)
        reader = LedgerReader(settings, ledger, SystemClock())
        await asyncio.to_thread(reader.begin)
        following = asyncio.create_task(reader.follow())
        try:
            await reader.wait_until_known()
            if then is not None:
                await then(ledger)
            assert not following.done()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            reader.close()
        return ledger

    return asyncio.run(read())


def test_a_young_ledger_is_known_from_its_events_alone(settings: SettingsFactory) -> None:
    made = settings(shards=2)
    for shard in range(2):
        log = EventLog(made, shard)
        log.trade(3)
        log.define(instrument(BTC), instrument(ETH))
        if shard:
            log.activate(2)
        log.define(instrument(BTC, spread_max=Ppm(500)))
        log.trade(3)
    ledger = known(made)
    assert ledger.followed == {BTC: instrument(BTC, spread_max=Ppm(500)), ETH: instrument(ETH)}
    assert [ledger.rules_version(shard) for shard in range(2)] == [1, 2]


def test_events_of_before_a_manifest_are_not_decoded_again(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(shards=1)
    log = EventLog(made)
    log.define(instrument(BTC))
    log.activate(2)
    log.define(instrument(BTC, spread_max=Ppm(500)))
    log.trade(20)
    log.keep_manifest()
    log.trade(20)
    log.define(instrument(DOGE))
    seen = decoded_events(monkeypatch)
    ledger = known(made)
    assert ledger.followed == {BTC: instrument(BTC, spread_max=Ppm(500)), DOGE: instrument(DOGE)}
    assert ledger.rules_version(0) == 2
    assert [type(event) for event in seen] == [InstrumentsDefined]


def test_a_manifest_without_instruments_says_the_rules_and_the_events_say_the_instruments(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=1)
    log = EventLog(made)
    log.define(instrument(BTC))
    log.trade(5)
    log.keep_manifest()
    log.define(instrument(ETH))
    ledger = known(made)
    assert list(ledger.followed) == [BTC, ETH]
    assert ledger.rules_version(0) == 1


@pytest.mark.parametrize("changes", [{"digest": bytes(16)}, {"seq": 1_000}], ids=["another digest", "later events"])
def test_a_manifest_of_another_log_is_forgotten(settings: SettingsFactory, changes: dict[str, Any]) -> None:
    made = settings(shards=1)
    log = EventLog(made)
    log.define(instrument(BTC))
    log.trade(5)
    log.keep_manifest(rules_version=2, instruments=(instrument(DOGE),), **changes)
    log.trade(5)
    ledger = known(made)
    assert list(ledger.followed) == [BTC]
    assert ledger.rules_version(0) == 1


def test_an_activation_and_an_instrument_are_noticed_while_the_reader_follows(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    log = EventLog(made)
    log.define(instrument(BTC))

    async def go_on(ledger: FollowedLedger) -> None:
        assert (list(ledger.followed), ledger.rules_version(0)) == ([BTC], 1)
        log.activate(2)
        log.define(instrument(DOGE))
        async with asyncio.timeout(NOTICED_S):
            while (list(ledger.followed), ledger.rules_version(0)) != ([BTC, DOGE], 2):  # noqa: ASYNC110  # It is read beside.
                await asyncio.sleep(0.01)

    known(made, go_on)


def test_only_the_symbols_of_the_settings_are_followed_and_the_others_are_named_until_they_are_known(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=1, symbols=(DOGE, ETH))
    log = EventLog(made)
    log.define(instrument(BTC), instrument(ETH))

    async def go_on(ledger: FollowedLedger) -> None:
        assert list(ledger.followed) == [ETH]
        assert ledger.unknown_symbols() == [DOGE]
        log.define(instrument(DOGE))
        async with asyncio.timeout(NOTICED_S):
            while ledger.unknown_symbols():  # noqa: ASYNC110  # It is read beside.
                await asyncio.sleep(0.01)
        assert list(ledger.followed) == [ETH, DOGE]

    known(made, go_on)


def test_positions_of_a_snapshot_and_of_the_events_after_it_say_which_shards_are_active(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "QUIET_AFTER_S", 0.0)
    made = settings(shards=3)
    for shard, positions in enumerate((0, 2, 0)):
        log = EventLog(made, shard)
        log.define(instrument(BTC))
        log.activate(2)
        log.trade(5)
        log.keep_manifest(positions=positions)
        log.trade(5)
    ledger = known(made)
    assert ledger.activity.active(time.monotonic()) == {0, 1}


def test_a_manifest_of_another_log_opens_no_positions(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "QUIET_AFTER_S", 0.0)
    made = settings(shards=1)
    log = EventLog(made)
    log.define(instrument(BTC))
    log.activate(2)
    log.trade(5)
    log.keep_manifest(positions=7, digest=bytes(16))
    log.trade(5)
    assert known(made).activity.active(time.monotonic()) == frozenset()
