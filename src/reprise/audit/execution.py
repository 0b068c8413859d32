"""Whether the commands, executed again, give the events that were logged: every byte of them."""

import time
from collections.abc import Iterator
from typing import Final

from reprise.audit.findings import Difference, event_difference
from reprise.audit.log import Batches, Log
from reprise.audit.reports import SURPRISES, Advance, Report, Start, point_of, without_collection
from reprise.audit.running_laws import RunningLaws
from reprise.engine.core.laws import broken
from reprise.engine.core.step import step
from reprise.runtime.kafka import Record
from reprise.schemas.codec import NotDecodable, decode_command, read_event, seal
from reprise.schemas.commands import Command
from reprise.schemas.events import Event

JUDGE: Final = "events"
LAWS: Final = "laws"
MICROSECONDS_PER_MILLISECOND: Final = 1_000
# The full laws look at everything, so they wait until as many commands have passed as there is to look at.
FULL_LAWS_EVERY: Final = 20_000
LAWS_NAMED_MAX: Final = 5


def execute(
    log: Log, shard: int, start: Start, points: frozenset[int], advance: Advance, *, laws: bool = True
) -> Report:
    """Execute a shard's commands from a ledger on and compare what they give; stops at the first difference."""
    report = Report(JUDGE, shard)
    began = time.perf_counter()
    with without_collection():
        _Execution(log, shard, start, points, report, laws=laws).run(advance)
    report.seconds = time.perf_counter() - began
    return report


class _Execution:
    """One pass over a shard."""

    def __init__(
        self, log: Log, shard: int, start: Start, points: frozenset[int], report: Report, *, laws: bool
    ) -> None:
        self._commands = log.commands(shard, start.state.next_offset)
        self._logged = _Logged(log.events(shard, 0), start.state.seq)
        self._state, self._digest = start
        self._points = points
        self._report = report
        self._laws = RunningLaws(start.state) if laws else None
        self._until_full_laws = FULL_LAWS_EVERY

    def run(self, advance: Advance) -> None:
        """Execute batch after batch; `report` says what came of it."""
        report = self._report
        self._note_point()
        for batch in self._commands:
            if not self._run_batch(batch):
                return
            advance(len(batch))
        extra = self._logged.next()
        if extra is not None:
            self._differs(_extra(report.shard, extra))
            return
        if self._break_full_laws():
            return
        report.end = point_of(self._state, self._digest)

    def _run_batch(self, batch: list[Record]) -> bool:
        """Execute some commands; false where the comparison ends."""
        state, logged, report, laws = self._state, self._logged, self._report, self._laws
        digest, points = self._digest, self._points
        for record in batch:
            offset = record.offset
            if offset != state.next_offset and not report.pending:
                what = f"command {offset} stands where {state.next_offset} comes next"
                expected, found = str(state.next_offset), str(offset)
                return self._differs(
                    Difference(
                        judge=JUDGE,
                        shard=report.shard,
                        what=what,
                        offset=state.next_offset,
                        field="offset",
                        expected=expected,
                        found=found,
                    )
                )
            if report.pending or logged.has_ended():
                report.pending += 1
                continue
            try:
                events = step(
                    state,
                    command_in(record.value),
                    offset=offset,
                    time=record.timestamp_ms * MICROSECONDS_PER_MILLISECOND,
                )
            except SURPRISES as error:
                what = f"the core raised {error!r}"
                return self._differs(Difference(judge=JUDGE, shard=report.shard, what=what, offset=offset))
            for event in events:
                value, digest = seal(event, digest)
                was = logged.next()
                if was != value:
                    return self._differs(_difference(report.shard, event, value, was))
            report.commands += 1
            report.events += len(events)
            if laws is not None and (sentences := laws.broken_by(events)):
                return self._breaks(sentences)
            if state.seq in points:
                self._digest = digest
                self._note_point()
            self._until_full_laws -= 1
            if self._until_full_laws == 0 and self._break_full_laws():
                return False
        self._digest = digest
        return True

    def _note_point(self) -> None:
        if self._state.seq in self._points:
            self._report.points[self._state.seq] = point_of(self._state, self._digest)

    def _break_full_laws(self) -> bool:
        """Look at everything; true where a law is broken."""
        self._until_full_laws = max(FULL_LAWS_EVERY, len(self._state.accounts) + len(self._state.positions))
        sentences = broken(self._state) if self._laws is not None else []
        if sentences:
            self._breaks(sentences)
        return bool(sentences)

    def _breaks(self, sentences: list[str]) -> bool:
        offset, seq = self._state.next_offset - 1, self._state.seq
        for sentence in sentences[:LAWS_NAMED_MAX]:
            self._differs(Difference(judge=LAWS, shard=self._report.shard, what=sentence, offset=offset, seq=seq))
        return False

    def _differs(self, difference: Difference) -> bool:
        self._report.differences.append(difference)
        return False


class _Logged:
    """The values of a shard's logged events after one, in order."""

    def __init__(self, batches: Batches, after: int) -> None:
        self._values = _values_after(batches, after)
        self._next: bytes | None = next(self._values, None)

    def has_ended(self) -> bool:
        return self._next is None

    def next(self) -> bytes | None:
        """Give the next value, and null after the last."""
        value = self._next
        if value is not None:
            self._next = next(self._values, None)
        return value


def command_in(value: bytes) -> Command | None:
    """Give the command, or null where the bytes are none."""
    try:
        return decode_command(value)
    except NotDecodable:
        return None


def _values_after(batches: Batches, after: int) -> Iterator[bytes]:
    """Give the values of the events after one, which is passed over by its number alone."""
    skipping = after > 0
    for batch in batches:
        for record in batch:
            if skipping:
                if _seq_of(record.value) <= after:
                    continue
                skipping = False
            yield record.value


def _seq_of(value: bytes) -> int:
    """Give an event's number; bytes that are no event are not passed over."""
    try:
        return read_event(value).seq
    except NotDecodable:
        return 1 << 63


def _difference(shard: int, event: Event, value: bytes, found: bytes | None) -> Difference:
    if found is not None:
        return event_difference(JUDGE, shard, event, value, found)
    return Difference(
        judge=JUDGE,
        shard=shard,
        what="the events end in the middle of a command's",
        offset=event.command_offset,
        seq=event.seq,
        type=type(event).__name__,
        field="value",
        expected=value.hex(),
        found="nothing",
    )


def _extra(shard: int, found: bytes) -> Difference:
    what = "an event stands behind the last command's"
    try:
        event = read_event(found)
    except NotDecodable:
        return Difference(judge=JUDGE, shard=shard, what=what, expected="nothing", found=found.hex())
    return Difference(
        judge=JUDGE,
        shard=shard,
        what=what,
        offset=event.command_offset,
        seq=event.seq,
        type=type(event).__name__,
        expected="nothing",
        found=found.hex(),
    )
