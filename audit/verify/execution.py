"""Whether the commands, executed again, give the events that were logged: every byte of them."""

import time
from collections.abc import Iterator
from itertools import chain, dropwhile
from typing import Final

from audit.log.differences import Difference, event_difference
from audit.log.log_reader import Batches, LogReader
from audit.log.offset_gaps import is_accepted
from audit.verify.reports import CORE_ERRORS, Advance, JudgeReport, JudgeStart, collection_paused, point_of
from audit.verify.running_laws import RunningLaws
from engine.core.laws import broken
from engine.core.rules import RulesUnknown
from engine.core.step import go_over, step
from runtime.kafka import LogRecord
from schemas.codec import NotDecodable, command_in, decode_event, encode_and_chain
from schemas.commands import Command
from schemas.events import Event
from schemas.offset_gaps import OffsetGap

JUDGE: Final = "events"
LAWS: Final = "laws"
MICROSECONDS_PER_MILLISECOND: Final = 1_000
# The full laws look at everything, so they wait until as many commands have passed as there is to look at.
FULL_LAWS_EVERY: Final = 20_000
LAWS_NAMED_MAX: Final = 5
KEYS_NAMED_MAX: Final = 5


def execute(
    log: LogReader, shard: int, start: JudgeStart, points: frozenset[int], advance: Advance, *, laws: bool = True
) -> JudgeReport:
    """Execute a shard's commands from a ledger on and compare what they give; stops at the first difference."""
    report = JudgeReport(JUDGE, shard)
    with collection_paused():
        began = time.perf_counter()
        _Execution(log, shard, start, points, report, laws=laws).run(advance)
        report.seconds = time.perf_counter() - began
    return report


class _Execution:
    """One pass over a shard."""

    def __init__(
        self, log: LogReader, shard: int, start: JudgeStart, points: frozenset[int], report: JudgeReport, *, laws: bool
    ) -> None:
        self._log = log
        self._commands = log.commands(shard, start.state.next_offset)
        self._values = _values_after(log.events(shard, 0), start.state.seq)
        self._upcoming = next(self._values, None)
        self._state, self._digest = start
        self._points = points
        self._report = report
        self._laws = RunningLaws(start.state) if laws else None
        self._until_full_laws = FULL_LAWS_EVERY
        self._keys_named = 0

    def run(self, advance: Advance) -> None:
        """Execute batch after batch; `report` says what came of it."""
        report = self._report
        self._note_point()
        for batch in self._commands:
            if not self._run_batch(batch):
                return
            advance(len(batch))
        if self._upcoming is not None:
            self._differs(_extra(report.shard, self._upcoming))
            return
        if self._break_full_laws():
            return
        report.end = point_of(self._state, self._digest)

    def _run_batch(self, batch: list[LogRecord]) -> bool:
        """Execute some commands; false where the comparison ends. Most of an audit's time is spent here."""
        state, report, laws, points = self._state, self._report, self._laws, self._points
        values, upcoming, digest = self._values, self._upcoming, self._digest
        for offset, timestamp_ms, key, value in batch:
            if upcoming is None:
                break  # What waits for the engine is counted where it is judged.
            if offset != state.next_offset:
                gap = OffsetGap(report.shard, state.next_offset, offset - 1)
                if offset < state.next_offset or not is_accepted(self._log, gap):
                    return self._differs(_gap(report.shard, state.next_offset, offset))
                go_over(state, gap)
            try:
                rules = state.rules_version
                command = command_in(value, rules)
                events = step(state, command, offset=offset, time=timestamp_ms * MICROSECONDS_PER_MILLISECOND)
            except RulesUnknown as error:
                return self._differs(Difference(judge=JUDGE, shard=report.shard, what=str(error), offset=offset))
            except CORE_ERRORS as error:
                what = f"the core raised {error!r}"
                return self._differs(Difference(judge=JUDGE, shard=report.shard, what=what, offset=offset))
            if key is not None and command is not None:
                self._compare_key(key, command, offset)
            for event in events:
                encoded, digest = encode_and_chain(event, digest, rules)
                if encoded != upcoming:
                    return self._differs(_difference(report.shard, event, encoded, upcoming))
                upcoming = next(values, None)
            report.commands += 1
            report.events += len(events)
            if laws is not None and (sentences := laws.broken_by(command, events)):
                return self._breaks(sentences)
            if state.seq in points:
                self._digest = digest
                self._note_point()
        self._upcoming, self._digest = upcoming, digest
        self._until_full_laws -= len(batch)
        return self._until_full_laws > 0 or not self._break_full_laws()

    def _compare_key(self, key: bytes, command: Command, offset: int) -> None:
        """A key chooses the shard and no more: execution goes on over one that is not its command's account."""
        account = getattr(command, "account_id", "")
        if key != account.encode() and self._keys_named < KEYS_NAMED_MAX:
            self._keys_named += 1
            what = "the command's key is not its account"
            self._differs(
                Difference(
                    judge=JUDGE,
                    shard=self._report.shard,
                    what=what,
                    offset=offset,
                    type=type(command).__name__,
                    field="key",
                    expected=account or "none",
                    found=key.decode(errors="backslashreplace"),
                )
            )

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


def _values_after(batches: Batches, after: int) -> Iterator[bytes]:
    """Give the values of the events after one, which is passed over by its number alone."""
    values = chain.from_iterable([record.value for record in batch] for batch in batches)
    return values if after == 0 else dropwhile(lambda value: _seq_of(value) <= after, values)


def _seq_of(value: bytes) -> int:
    """Give an event's number; bytes that are no event are not passed over."""
    try:
        return decode_event(value).seq
    except NotDecodable:
        return 1 << 63


def _gap(shard: int, expected: int, found: int) -> Difference:
    return Difference(
        judge=JUDGE,
        shard=shard,
        what=f"command {found} stands where {expected} comes next",
        offset=expected,
        field="offset",
        expected=str(expected),
        found=str(found),
    )


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
        event = decode_event(found)
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
