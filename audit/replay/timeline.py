"""An account's way through the log: where its own commands stand, and places from which its steps are walked again.

Made once, while the log is read for the first time, and gone on with as the log grows. Places are few: when there are
too many, every other one is dropped.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from audit.digits import iso
from audit.log.log_reader import LogReader
from audit.replay.account_fold import AccountFold, decoded
from audit.replay.walk import AccountWalk, Passed, Place, StepView
from schemas.events import AccountOpened, PositionClosed, PositionOpened
from schemas.messages import Instrument

PLACES_MAX: Final = 128
MARKS_MAX: Final = 4_000
POSITIONS_SHOWN_MAX: Final = 4_000  # in one answer, over all its steps


class Mark(msgspec.Struct, frozen=True):
    """A command of the account's own, by its first event."""

    offset: int
    time: str
    type: str
    position_id: str | None


class Deadline:
    """When a question is left off, with what was found until then."""

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._end


class LogPoint(NamedTuple):
    """A command in the log, and its time (µs)."""

    offset: int
    time: int


class Turn(NamedTuple):
    """Steps in the log's order. left_off: up to which offset the log was looked at, where the time did not suffice."""

    steps: list[StepView]
    left_off: int | None


class Timeline:
    """One account's. was_whole: whether the log was read to its end once, as that was then."""

    def __init__(self, log: LogReader, shard: int, account_id: str) -> None:
        self.account_id = account_id
        self.shard = shard
        self.marks: list[Mark] = []
        self.mark_count = 0
        self.opened: LogPoint | None = None
        self.end: LogPoint | None = None
        self.was_whole = False
        self.read = 0  # records of the shard's events, up to this offset
        self.positions: dict[str, tuple[int, int | None, str]] = {}  # opening and close of each, and its symbol
        self._places = [Place(0, 0, 0, AccountFold(shard, log.shards, account_id))]
        self._instruments: dict[str, Instrument] = {}
        self._spacing = 1
        self._offered = 0
        self._marked_to = -1

    def is_whole(self, log: LogReader) -> bool:
        """Say whether it goes as far as a log."""
        return self.read >= log.extent(self.shard).events

    def follow(self, log: LogReader, deadline: Deadline) -> None:
        """Read on from the last place to the log's end, as far as the time suffices."""
        if self.is_whole(log):
            return
        walk = AccountWalk(log, self._places[-1], note=self._take_place)
        for passed in walk.steps():
            if passed is not None:
                self._mark(passed)
            elif walk.last is not None:
                self.read = max(self.read, walk.last.offset + 1)
                if deadline.is_over:
                    break
        else:
            self.read = log.extent(self.shard).events
            self.was_whole = True
        self._instruments = walk.fold.state.instruments
        if walk.last is not None:
            event = decoded(self.shard, walk.last)
            if self.end is None or event.command_offset >= self.end.offset:
                self.end = LogPoint(event.command_offset, event.time)

    def at_time(self, log: LogReader, time: int) -> int:
        """Give the offset of the last step up to a time (µs), or of the account's opening where there is none."""
        assert self.opened is not None, "the account is known"
        found = self.opened.offset
        for passed in AccountWalk(log, self.place_at(time)).steps():
            if passed is None:
                continue
            if passed.time > time:
                break
            found = passed.offset
        return found

    def place_at(self, time: int) -> Place:
        """Give the last place that is not behind a time (µs)."""
        return next((place for place in reversed(self._places) if place.time < time), self._places[0])

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments as far as the log was read."""
        return self._instruments

    def forward(self, log: LogReader, after: int, limit: int, period: int, deadline: Deadline) -> Turn:
        """Give the next steps behind an offset."""
        found: list[StepView] = []
        positions = 0
        left_off = after
        walk = AccountWalk(
            log, self._place_before(after + 1), wanted=lambda offset: offset > after, period=max(1, period)
        )
        for passed in walk.steps():
            if passed is None:
                if deadline.is_over:
                    return Turn(found, left_off)
                continue
            left_off = max(left_off, passed.offset)
            if passed.view is not None:
                found.append(passed.view)
                positions += _positions_in(passed.view)
                if len(found) >= limit or positions >= POSITIONS_SHOWN_MAX:
                    return Turn(found, left_off)
        return Turn(found, None)

    def backward(
        self, log: LogReader, before: int, limit: int, period: int, deadline: Deadline, keep: int | None = None
    ) -> Turn:
        """Give the last steps below an offset. keep: a step that is listed whatever the period is."""
        found: deque[StepView] = deque()
        end = before
        while True:
            start = self._place_before(end)
            part = list(self._between(log, start, end, period, limit - len(found), keep))
            found.extendleft(reversed(part))
            end = start.offset
            if len(found) >= limit or start is self._places[0]:
                return Turn(list(found), None)
            if deadline.is_over or sum(map(_positions_in, found)) >= POSITIONS_SHOWN_MAX:
                return Turn(list(found), end)

    def _between(
        self, log: LogReader, start: Place, end: int, period: int, limit: int, keep: int | None
    ) -> Iterator[StepView]:
        """Give the last steps from a place to an offset."""
        listed: deque[StepView] = deque(maxlen=limit)
        walk = AccountWalk(log, start, wanted=lambda offset: start.offset <= offset < end, period=period, keep=keep)
        for passed in walk.steps():
            if passed is None:
                continue
            if passed.offset >= end:
                break
            if passed.view is not None:
                listed.append(passed.view)
        return iter(listed)

    def _place_before(self, offset: int) -> Place:
        """Give the last place from which the command at an offset is still to come, but not where it begins itself."""
        return next((place for place in reversed(self._places) if place.offset < offset), self._places[0])

    def _take_place(self, place: Place) -> None:
        if place.record <= self._places[-1].record:
            return
        self._offered += 1
        if self._offered % self._spacing:
            return
        self._places.append(place)
        if len(self._places) > PLACES_MAX:
            del self._places[1::2]
            self._spacing *= 2

    def _mark(self, passed: Passed) -> None:
        if passed.kind != "own" or passed.offset <= self._marked_to:
            return
        self._marked_to = passed.offset
        for event in passed.events:
            if isinstance(event, AccountOpened) and self.opened is None:
                self.opened = LogPoint(passed.offset, passed.time)
            elif isinstance(event, PositionOpened):
                self.positions[event.position_id] = (passed.offset, None, event.symbol)
            elif isinstance(event, PositionClosed):
                opened, _, symbol = self.positions[event.position_id]
                self.positions[event.position_id] = (opened, passed.offset, symbol)
        own = next(event for event in passed.events if event.account_id is not None)
        self.mark_count += 1
        position_id = getattr(own, "position_id", None)
        self.marks.append(Mark(passed.offset, iso(passed.time), type(own).__name__, position_id))
        if len(self.marks) > MARKS_MAX:
            del self.marks[1::2]


def _positions_in(view: StepView) -> int:
    return sum(len(ledger.positions) for ledger in (view.before, view.ledger) if ledger is not None)
