"""Where the events alone lead: each one's place and digest in the chain, and the ledger they fold to."""

import time
from hashlib import blake2b
from typing import Final, assert_never

import msgspec

from audit.log.differences import Difference
from audit.log.log_reader import LogReader
from audit.verify.reports import CORE_ERRORS, Advance, JudgeReport, JudgeStart, collection_paused, point_of
from engine.core.apply import apply
from engine.core.laws import broken
from engine.core.triggers import NoTriggers
from runtime.kafka import LogRecord
from schemas.codec import DIGEST_SIZE, NotDecodable, decode_event
from schemas.event_groups import BroadcastEvent
from schemas.events import (
    AccountLimitsSet,
    ClockSet,
    Event,
    EventHeader,
    InstrumentsDefined,
    MarketStatusSet,
    RulesActivated,
)
from schemas.plain_data import as_builtins, as_json
from schemas.record import field_names

JUDGE: Final = "fold"
CHAIN: Final = "chain"
BROADCAST: Final = "broadcast "
RULES: Final = "rules version"
ACCOUNT_LIMITS: Final = "limits of accounts"
OF_ONE_SHARD: Final = frozenset({"before"})  # fields of a broadcast's outcome in which shards differ
HEADER: Final = frozenset(field_names(EventHeader))


def fold(log: LogReader, shard: int, start: JudgeStart, points: frozenset[int], advance: Advance) -> JudgeReport:
    """Fold a shard's events from a ledger on, walking their chain; stops at the first difference."""
    report = JudgeReport(JUDGE, shard)
    with collection_paused():
        began = time.perf_counter()
        _Fold(start, points, report).run(log, advance)
        report.seconds = time.perf_counter() - began
    return report


class _Fold:
    """One pass over a shard."""

    def __init__(self, start: JudgeStart, points: frozenset[int], report: JudgeReport) -> None:
        self._state, self._digest = start
        self._state.triggers = NoTriggers()
        self._points = points
        self._report = report
        self._offset = -1
        self._passed = 0  # the last event that the ledger it began with has already
        self._from_genesis = self._state.seq == 0  # Else the broadcasts before are known by what they led to only.

    def run(self, log: LogReader, advance: Advance) -> None:
        report, state = self._report, self._state
        first, began = state.next_offset, state.seq
        self._note_point()
        for batch in log.events(report.shard, 0):
            if not self._run_batch(batch):
                return
            advance(len(batch))
        if not report.events and self._passed < began:
            what = f"the events end with {self._passed}, and the snapshot to begin with has event {began}"
            self._differs(what, None, self._passed + 1)
            return
        for sentence in broken(state):
            self._differs(sentence, state.next_offset - 1, state.seq)
        for symbol, instrument in state.instruments.items():
            terms = as_json(instrument).decode()
            report.shared[market_of(symbol)] = f"{state.markets[symbol].status} {terms}"
        report.shared[RULES] = str(state.rules_version)
        report.shared[ACCOUNT_LIMITS] = str(state.positions_max)
        report.commands = state.next_offset - first
        report.end = point_of(state, self._digest)

    def _run_batch(self, batch: list[LogRecord]) -> bool:
        """Fold some events; false where that ends."""
        state, digest, report = self._state, self._digest, self._report
        for record in batch:
            value = record.value
            try:
                event = decode_event(value)
            except NotDecodable as error:
                return self._differs(f"record {record.offset} holds no event: {error}", None, state.seq + 1)
            if event.seq <= state.seq and not report.events and state.seq:
                self._passed = event.seq
                continue  # What the ledger it began with has already.
            if event.seq != state.seq + 1:
                return self._gap(event)
            body, carried = value[:-DIGEST_SIZE], value[-DIGEST_SIZE:]
            digest_expected = blake2b(digest + body, digest_size=DIGEST_SIZE).digest()
            if carried != digest_expected:
                return self._broken_chain(event, digest_expected, carried)
            digest = carried
            if not self._is_in_its_place(record, event):
                return False
            try:
                apply(state, event)
            except CORE_ERRORS as error:
                return self._differs(f"the event cannot be applied: {error!r}", event.command_offset, event.seq)
            report.events += 1
            if isinstance(event, BroadcastEvent):
                self._note_broadcast(event)
            if state.seq in self._points:
                self._digest = digest
                self._note_point()
        self._digest = digest
        return True

    def _note_broadcast(self, event: BroadcastEvent) -> None:
        """Keep a broadcast's content, and when it last changed what it is about."""
        broadcast = f"{BROADCAST}{event.broadcast}"
        match event:
            case InstrumentsDefined():
                about = [market_of(instrument.symbol) for instrument in event.instruments]
            case MarketStatusSet():
                about = [market_of(event.symbol)]
            case RulesActivated():
                about = [RULES]
            case AccountLimitsSet():
                about = [ACCOUNT_LIMITS]
            case ClockSet():
                about = []
            case _:
                assert_never(event)
        if self._from_genesis:
            self._report.shared[broadcast] = broadcast_content(event)
        self._report.shared_at |= dict.fromkeys((broadcast, *about), event.time)

    def _is_in_its_place(self, record: LogRecord, event: Event) -> bool:
        """Look at what the digest does not cover: the record's key and its order."""
        account = event.account_id
        key = None if account is None else account.encode()
        if record.key != key:
            return self._differs("the record's key is not its account", event.command_offset, event.seq)
        if record.offset <= self._offset:
            what = f"record {record.offset} stands behind record {self._offset}"
            return self._differs(what, event.command_offset, event.seq)
        self._offset = record.offset
        return True

    def _note_point(self) -> None:
        if self._state.seq in self._points:
            self._report.points[self._state.seq] = point_of(self._state, self._digest)

    def _gap(self, event: Event) -> bool:
        expected = self._state.seq + 1
        self._report.differences.append(
            Difference(
                judge=CHAIN,
                shard=self._report.shard,
                what=f"event {event.seq} stands where {expected} comes next",
                offset=event.command_offset,
                seq=expected,
                type=type(event).__name__,
                field="seq",
                expected=str(expected),
                found=str(event.seq),
            )
        )
        return False

    def _broken_chain(self, event: Event, expected: bytes, carried: bytes) -> bool:
        self._report.differences.append(
            Difference(
                judge=CHAIN,
                shard=self._report.shard,
                what="the digest does not follow from the event before and this one's bytes",
                offset=event.command_offset,
                seq=event.seq,
                type=type(event).__name__,
                field="digest",
                expected=expected.hex(),
                found=carried.hex(),
            )
        )
        return False

    def _differs(self, what: str, offset: int | None, seq: int | None) -> bool:
        self._report.differences.append(
            Difference(judge=JUDGE, shard=self._report.shard, what=what, offset=offset, seq=seq)
        )
        return False


def market_of(symbol: str) -> str:
    """Name what is compared of an instrument."""
    return f"market of {symbol}"


def broadcast_content(event: Event) -> str:
    """Give a broadcast's content, without its place in the shard."""
    fields = {name: value for name, value in as_builtins(event).items() if name not in HEADER | OF_ONE_SHARD}
    return f"{type(event).__name__} {msgspec.json.encode(fields).decode()}"
