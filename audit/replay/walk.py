"""How the steps of an account are gone through: a step is a command that concerns it, with all that it led to."""

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from audit.digits import iso
from audit.log.log_reader import LogReader
from audit.replay.account_fold import PRICE_EVENTS, AccountFold, decoded
from audit.replay.views import EventView, LedgerView, event_view, ledger_view
from runtime.kafka import LogRecord
from schemas.codec import digest_of
from schemas.event_groups import BroadcastEvent
from schemas.events import Event, FeedSelected, PricesUpdated, TickHeld

StepKind = Literal["own", "price", "market"]
OF_THE_MARKET: Final = (*get_args(BroadcastEvent), FeedSelected)
RECORDS_BETWEEN: Final = 20_000
STEPS_BETWEEN: Final = 1_000


class StepView(msgspec.Struct, frozen=True):
    """A command that concerned the account: its own, one that moved prices of what it held, or one of the market.

    before: the ledger before it; null where that is the ledger of the step listed before this one.
    """

    offset: int
    time: str
    kind: StepKind
    events: list[EventView]
    before: LedgerView | None
    ledger: LedgerView | None


class Place(NamedTuple):
    """Where a walk may begin: `fold` is the ledger before record `record`, which is of command `offset` or a later one.

    time: of that command (µs).
    """

    offset: int
    time: int
    record: int
    fold: AccountFold


class Passed(NamedTuple):
    """A command that was passed, as far as it concerned the account. view: where the walk was to show it."""

    offset: int
    time: int
    kind: StepKind
    events: list[Event]
    view: StepView | None


class AccountWalk:
    """Goes from a place to where the log ends now.

    wanted: whether the step at an offset is to be shown. period: of prices the first in each is (µs), and the one at
    `keep`; 0 shows all. note: gets each new place where another walk may begin.
    """

    def __init__(
        self,
        log: LogReader,
        start: Place,
        *,
        wanted: Callable[[int], bool] = lambda _: False,
        period: int = 0,
        keep: int | None = None,
        note: Callable[[Place], None] = lambda _: None,
    ) -> None:
        self.fold = start.fold.copy()
        self.last: LogRecord | None = None
        self._first = start.record
        self._log = log
        self._wanted = wanted
        self._period = period
        self._keep = keep
        self._note = note
        self._records = self._steps = 0
        self._now: _Gathered | None = None

    def steps(self) -> Iterator[Passed | None]:
        """Give step after step, and null after each batch of records, where the caller may leave off."""
        for batch in self._log.events(self.fold.state.shard, self._first):
            for record in batch:
                self.last = record
                event = self.fold.read(record)
                self._records += 1
                if event is None:
                    yield from self._pass_over(record)
                    continue
                if self._now is None or event.command_offset != self._now.offset:
                    yield from self._finish()
                    self._begin(event, record)
                assert self._now is not None, "it was begun"
                if event.account_id is not None:
                    self._now.settle(self.fold)
                self.fold.apply(event, record)
                self._now.events.append((event, digest_of(record.value)))
            yield None
        yield from self._finish()

    def _begin(self, event: Event, record: LogRecord) -> None:
        self._steps += 1
        if self._steps >= STEPS_BETWEEN or self._records >= RECORDS_BETWEEN:
            # The record was read, and its event not applied: the ledger is the one before it.
            self._offer(event, record.offset)
        is_wanted = self._wanted(event.command_offset)
        self._now = _Gathered(self.fold, event, is_wanted=is_wanted)
        if is_wanted and not (
            isinstance(event, PRICE_EVENTS) and self._is_passed_over(event.command_offset, event.time)
        ):
            self._now.settle(self.fold)

    def _is_passed_over(self, offset: int, time: int) -> bool:
        """Say whether a price is not shown, for another one in its period is."""
        if self._period == 0 or offset == self._keep:
            return False
        return time // self._period == self.fold.price_time // self._period

    def _pass_over(self, record: LogRecord) -> Iterator[Passed]:
        """Make a place to begin in a long silence too: behind a record that does not concern the account."""
        if self._records < RECORDS_BETWEEN:
            return
        event = decoded(self.fold.state.shard, record)
        if self._now is not None and event.command_offset == self._now.offset:
            return
        yield from self._finish()
        self._offer(event, record.offset + 1)

    def _offer(self, event: Event, record: int) -> None:
        self._records = self._steps = 0
        self._note(Place(event.command_offset, event.time, record, self.fold.copy()))

    def _finish(self) -> Iterator[Passed]:
        """Give the command whose events are all there, if it concerned the account."""
        now, self._now = self._now, None
        if now is None or self.fold.account is None:
            return
        events = [event for event, _ in now.events]
        kind = _kind_of(events, now.held | self.fold.held)
        if kind is None:
            return
        is_shown = now.is_wanted and not (kind == "price" and self._is_passed_over(now.offset, now.time))
        if kind == "price":
            self.fold.price_time = now.time
        view = None
        if is_shown:
            now.settle(self.fold)
            shown = [event_view(self.fold, event, digest) for event, digest in now.events]
            view = StepView(now.offset, iso(now.time), kind, shown, now.before, ledger_view(self.fold))
        yield Passed(now.offset, now.time, kind, events, view)


class _Gathered:
    """A command whose events are being read. held: the symbols that were held before it.

    The ledger before it is made once it is known to be shown. Until then a command of prices moved quotes alone, and
    each tick is a quote of its own: so the ones before are kept.
    """

    def __init__(self, fold: AccountFold, first: Event, *, is_wanted: bool) -> None:
        self.offset = first.command_offset
        self.time = first.time
        self.held = fold.held
        self.is_wanted = is_wanted
        self.before: LedgerView | None = None
        self.events: list[tuple[Event, bytes]] = []
        self._quotes = {symbol: fold.state.markets[symbol].quote for symbol in self.held} if is_wanted else None

    def settle(self, fold: AccountFold) -> None:
        """Make the ledger before the command, if that was not done and is wanted; nothing of the account has moved."""
        if self._quotes is None:
            return
        markets = fold.state.markets
        now = {symbol: markets[symbol].quote for symbol in self._quotes}
        for symbol, quote in self._quotes.items():
            markets[symbol].quote = quote
        self.before = ledger_view(fold)
        for symbol, quote in now.items():
            markets[symbol].quote = quote
        self._quotes = None


def _kind_of(events: list[Event], held: frozenset[str]) -> StepKind | None:
    """Say in which way a command concerns an account that held these symbols before or after it; null for in none."""
    if any(event.account_id is not None for event in events):
        return "own"
    if any(isinstance(event, OF_THE_MARKET) for event in events):
        return "market"
    prices = [event for event in events if isinstance(event, PRICE_EVENTS)]
    return "price" if any(held & _moved(event) for event in prices) else None


def _moved(event: PricesUpdated | TickHeld) -> frozenset[str]:
    """Give the symbols whose price an event moves, or holds."""
    return frozenset({event.symbol} if isinstance(event, TickHeld) else {tick.symbol for tick in event.accepted})
