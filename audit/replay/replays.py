"""What can be asked of an account's replay, how many are worked on at once, and what is kept for the next question."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import IO, Final

import msgspec

from audit.digits import iso
from audit.explain.describe_command import describe_command
from audit.log.log_reader import LogReader
from audit.replay.answers import CommandView, OverviewView, PointView, ReplayRefused, StepsView, When
from audit.replay.bundle import write_bundle
from audit.replay.last_verdict import last_verdict
from audit.replay.price_history import PriceHistory, price_history
from audit.replay.timeline import Deadline, LogPoint, Mark, Timeline
from audit.replay.walk import RECORDS_BETWEEN, StepView
from schemas.codec import command_in
from schemas.plain_data import as_json
from schemas.sharding import shard_of

AT_ONCE: Final = 2
KEPT: Final = 8  # timelines
PATIENCE_S: Final = 4.0  # after which a question is answered with what was found until then
RENEWED_AFTER_S: Final = 2.0
RETRY_AFTER_S: Final = 1
WAITING_MAX: Final = 4  # questions about one account
MARKS_SHOWN_MAX: Final = 500
MICROSECONDS_PER_MILLISECOND: Final = 1_000


class _Kept:
    """An account's timeline, the right to work with it, and how many questions have that or wait for it."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.alone = Lock()
        self.waiting = 0


class Replays:
    """Answers from a log, which `open_log` opens as far as it goes now; of a folder always the same.

    Two questions are worked on at once, one of an account; whoever asks meanwhile is told to wait.
    """

    def __init__(self, open_log: Callable[[], LogReader], verdict: Path | None, patience_s: float = PATIENCE_S) -> None:
        self.folding = 0
        self._open_log = open_log
        self._verdict = verdict
        self._patience_s = patience_s
        self._slots = BoundedSemaphore(AT_ONCE)
        self._lock = Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._log: LogReader | None = None
        self._opened_at = 0.0

    @property
    def kept(self) -> int:
        """How many accounts' timelines are kept."""
        return len(self._kept)

    def log(self) -> LogReader:
        """Give the log, as far as it went two seconds ago at least."""
        now = monotonic()
        if self._log is None or now - self._opened_at > RENEWED_AFTER_S:
            self._log, self._opened_at = self._open_log(), now
        return self._log

    def overview(self, account_id: str, when: When) -> OverviewView:
        """Say what there is to replay, and where a moment is in it."""
        with self._working_on(account_id) as (log, timeline, deadline):
            timeline.follow(log, deadline)
            is_ready = timeline.is_whole(log)
            if is_ready and timeline.opened is None:
                raise _not_found(f"There is no account {account_id} in the log")
            shard = timeline.shard
            return OverviewView(
                account_id=account_id,
                shard=shard,
                is_ready=is_ready,
                read=timeline.read,
                records=log.extent(shard).events,
                opened=_point(timeline.opened),
                end=_point(timeline.end),
                place=_place(timeline, log, when) if is_ready else None,
                marks=_evenly(timeline.marks),
                mark_count=timeline.mark_count,
                symbols=sorted({symbol for _, _, symbol in timeline.positions.values()}),
                verdict=last_verdict(self._verdict, shard),
            )

    def steps(
        self, account_id: str, *, after: int | None, before: int | None, limit: int, period_ms: int, keep: int | None
    ) -> StepsView:
        """Give the steps behind an offset, or the last ones below one."""
        period = period_ms * MICROSECONDS_PER_MILLISECOND
        with self._working_on(account_id) as (log, timeline, deadline):
            _require_whole(timeline, log, deadline)
            if before is not None:
                turn = timeline.backward(log, before, limit, period, deadline, keep)
                first = turn.steps[0].offset if turn.steps else before
                has_more = turn.left_off is not None or len(turn.steps) == limit
                previous = (first if turn.left_off is None else turn.left_off) if has_more else None
                following = turn.steps[-1].offset if turn.steps else before - 1
            else:
                start = -1 if after is None else after
                turn = timeline.forward(log, start, limit, period, deadline)
                previous = turn.steps[0].offset if turn.steps else start + 1
                ended = turn.steps[-1].offset if turn.steps else start
                following = ended if turn.left_off is None else turn.left_off
            return StepsView(account_id, timeline.shard, _without_repeats(turn.steps), previous, following)

    def prices(self, account_id: str, symbol: str, first: int, last: int) -> PriceHistory:
        """Give the candles of a symbol between two times (µs)."""
        with self._working_on(account_id) as (log, timeline, deadline):
            _require_whole(timeline, log, deadline)
            start = timeline.place_at(first)
            instrument = timeline.instruments.get(symbol)
            if instrument is None:
                raise _not_found(f"There is no instrument {symbol} in the log")
            return price_history(log, start, instrument, first, last, deadline)

    def command(self, account_id: str, offset: int) -> CommandView:
        """Give a command of the account or of the market, as it stands in the log."""
        with self._working_on(account_id) as (log, timeline, deadline):
            _require_whole(timeline, log, deadline)
            record = next((record for batch in log.commands(timeline.shard, offset) for record in batch[:1]), None)
            command = None if record is None else command_in(record.value)
            if record is None or record.offset != offset or command is None:
                raise _not_found(f"There is no command at offset {offset} of shard {timeline.shard} that can be read")
            if getattr(command, "account_id", account_id) != account_id:
                raise _not_found(f"Command {offset} of shard {timeline.shard} is not one of account {account_id}")
            _, _, symbol = timeline.positions.get(getattr(command, "position_id", ""), (0, None, ""))
            return CommandView(
                offset=offset,
                time=iso(record.timestamp_ms * MICROSECONDS_PER_MILLISECOND),
                type=type(command).__name__,
                command_id=getattr(command, "command_id", None),
                words=describe_command(command, timeline.instruments, timeline.instruments.get(symbol)),
                content=msgspec.json.format(as_json(command), indent=2).decode(),
            )

    def bundle(self, account_id: str) -> IO[bytes]:
        """Pack what the account takes away; whoever sends it closes it."""
        with self._working_on(account_id) as (log, timeline, deadline):
            _require_whole(timeline, log, deadline)
            return write_bundle(log, timeline.shard, account_id, last_verdict(self._verdict, timeline.shard))

    @contextmanager
    def _working_on(self, account_id: str) -> Iterator[tuple[LogReader, Timeline, Deadline]]:
        """Hold the account's timeline, and one of the places for questions.

        A page asks several questions at once about its account: they wait for each other, and take one place.
        """
        with self._lock:
            log = self.log()
            kept = self._kept_of(log, account_id)
            if kept.waiting >= WAITING_MAX:
                raise _busy("Other questions about this account's replay are being answered")
            kept.waiting += 1
        try:
            if not kept.alone.acquire(timeout=self._patience_s):
                raise _busy("Another question about this account's replay is being answered")
            try:
                with self._place():
                    yield log, kept.timeline, Deadline(self._patience_s)
            finally:
                kept.alone.release()
        finally:
            with self._lock:
                kept.waiting -= 1

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            raise _busy(f"{AT_ONCE} replays are being worked on, which is as many as there may be")
        with self._lock:
            self.folding += 1
        try:
            yield
        finally:
            with self._lock:
                self.folding -= 1
            self._slots.release()

    def _kept_of(self, log: LogReader, account_id: str) -> "_Kept":
        found = self._kept.get(account_id)
        if found is None:
            shard = shard_of(account_id, log.shards)
            if shard not in log.held:
                raise _not_found(f"Account {account_id} is one of shard {shard}, which {log.name} does not hold")
            found = self._kept[account_id] = _Kept(Timeline(log, shard, account_id))
        self._kept.move_to_end(account_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _place(timeline: Timeline, log: LogReader, when: When) -> int | None:
    """Give the offset of a moment; of a position that of its close, or while it is open of its opening."""
    if when.position_id is not None:
        found = timeline.positions.get(when.position_id)
        if found is None:
            raise _not_found(f"Account {timeline.account_id} has no position {when.position_id} in the log")
        opened, closed, _ = found
        return opened if closed is None else closed
    if when.time is not None:
        return timeline.at_time(log, when.time)
    return when.offset


def _require_whole(timeline: Timeline, log: LogReader, deadline: Deadline) -> None:
    # Steps are walked to the log's end by themselves, so what has come since costs them nothing until it is much.
    if not timeline.was_whole or log.extent(timeline.shard).events - timeline.read > RECORDS_BETWEEN:
        timeline.follow(log, deadline)
    if not timeline.was_whole:
        raise _busy("The log is still being read for this account")
    if timeline.opened is None:
        raise _not_found(f"There is no account {timeline.account_id} in the log")


def _without_repeats(steps: list[StepView]) -> list[StepView]:
    """Leave out each ledger before a step that is the one after the step before it."""
    return [
        msgspec.structs.replace(step, before=None) if place and step.before == steps[place - 1].ledger else step
        for place, step in enumerate(steps)
    ]


def _evenly(marks: list[Mark]) -> list[Mark]:
    every = -(-len(marks) // MARKS_SHOWN_MAX) if marks else 1
    return marks[::every]


def _point(point: LogPoint | None) -> PointView | None:
    return None if point is None else PointView(point.offset, iso(point.time))


def _busy(why: str) -> ReplayRefused:
    return ReplayRefused("REPLAY_BUSY", 429, f"{why}. Ask again in a second", RETRY_AFTER_S)


def _not_found(why: str) -> ReplayRefused:
    return ReplayRefused("NOT_FOUND", 404, why)
