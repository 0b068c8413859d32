"""What the log says of one position: its opening, its stops, its parts, the ticks around its end, and the end."""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

import msgspec

from audit.log.log_reader import LogReader, LogUnreadable, require_shard
from runtime.errors import FixableError
from schemas.codec import NotDecodable, command_in, decode_event
from schemas.commands import Command
from schemas.event_groups import PositionEvent
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)
from schemas.ids import event_id
from schemas.messages import Instrument


class AcceptedTick(NamedTuple):
    """An accepted tick, and the command that brought it."""

    offset: int
    bid: int
    ask: int


class PositionHistory(msgspec.Struct):
    """closed: null while it is open. tick_before: accepted before the one it closed at. amended: the last time.

    rules_version: in force at its end, or now.
    """

    shard: int
    instrument: Instrument
    opened: PositionOpened
    stop_loss: int | None
    take_profit: int | None
    rules_version: int = 1
    amended: StopsAmended | None = None
    reduced: list[PositionReduced] = []
    closed: PositionClosed | None = None
    tick_before: AcceptedTick | None = None
    last_tick: AcceptedTick | None = None

    @property
    def closed_by(self) -> str:
        """The id of the command that closed it."""
        return (self.closed.command_id if self.closed is not None else None) or "unknown"


class NeverOpened(FixableError):
    """There never was a position of this name."""


class EventUnknown(FixableError):
    """There is no event of this name."""


class EventContext(NamedTuple):
    """An event and what explains it: all events of its command, the command, the instruments by then.

    position_instrument: of the position that the command names, where there is one.
    """

    shard: int
    event: Event
    events: list[Event]
    command: Command | None
    instruments: dict[str, Instrument]
    position_instrument: Instrument | None


def history_of(log: LogReader, position_id: str) -> PositionHistory:
    """Read a position's history; NeverOpened where there never was one of this name."""
    shard = shard_in(position_id, "position")
    require_shard(log, shard)
    search = _Search(shard, position_id)
    for event in _events(log, shard):
        search.take(event)
        if search.history is not None and search.history.closed is not None:
            break
    if search.history is None:
        raise NeverOpened(f"No position {position_id} was ever opened.")
    return search.history


def event_context(log: LogReader, name: str) -> EventContext:
    """Find an event by its name, `shard-seq`, with its command and what that led to; FixableError without one."""
    shard = shard_in(name, "event")
    require_shard(log, shard)
    instruments: dict[str, Instrument] = {}
    events: list[Event] = []
    rules_version = next_version = 1
    found: Event | None = None
    for event in _events(log, shard):
        if not events or event.command_offset != events[0].command_offset:
            if found is not None:
                break
            events, rules_version = [], next_version
        events.append(event)
        if isinstance(event, InstrumentsDefined):
            instruments |= {instrument.symbol: instrument for instrument in event.instruments}
        if isinstance(event, RulesActivated):
            next_version = event.version
        if event_id(shard, event.seq) == name:
            found = event
    if found is None:
        raise EventUnknown(f"There is no event {name} in {log.name}.")
    command = _command_at(log, shard, found.command_offset, rules_version)
    return EventContext(shard, found, events, command, instruments, _instrument_of_position(log, shard, command))


def _command_at(log: LogReader, shard: int, offset: int, rules_version: int) -> Command | None:
    for batch in log.commands(shard, offset):
        for record in batch:
            return command_in(record.value, rules_version) if record.offset == offset else None
    return None


def _instrument_of_position(log: LogReader, shard: int, command: Command | None) -> Instrument | None:
    position_id = getattr(command, "position_id", None)
    if position_id is None or not position_id.startswith(f"{shard}-"):
        return None
    try:
        return history_of(log, position_id).instrument
    except FixableError:
        return None  # A command may name what never was; that is then why it was refused.


def shard_in(name: str, of: str) -> int:
    """Give the shard a name begins with."""
    shard, dash, number = name.partition("-")
    if not dash or not shard.isdecimal() or not number.isdecimal():
        raise FixableError(f"{name} is no {of}'s name; one looks like 0-12.")
    return int(shard)


class _Search:
    """Follows the events up to the position's end."""

    def __init__(self, shard: int, position_id: str) -> None:
        self.history: PositionHistory | None = None
        self._shard = shard
        self._position_id = position_id
        self._instruments: dict[str, Instrument] = {}
        self._rules_version = 1
        self._ticks: dict[str, tuple[AcceptedTick | None, AcceptedTick]] = {}  # of each symbol the last two

    def take(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case PricesUpdated():
                for tick in event.accepted:
                    before = self._ticks.get(tick.symbol)
                    seen = AcceptedTick(event.command_offset, tick.bid, tick.ask)
                    self._ticks[tick.symbol] = (None if before is None else before[1], seen)
                if self.history is not None and self.history.opened.symbol in self._ticks:
                    self.history.tick_before, self.history.last_tick = self._ticks[self.history.opened.symbol]
            case InstrumentsDefined():
                self._instruments |= {instrument.symbol: instrument for instrument in event.instruments}
            case RulesActivated():
                self._rules_version = event.version
                if self.history is not None:
                    self.history.rules_version = event.version
            case PositionOpened() | StopsAmended() | PositionReduced() | PositionClosed():
                if event.position_id == self._position_id:
                    self._take_own(event)
            case (
                CommandRejected()
                | CommandRepeated()
                | AccountOpened()
                | Deposited()
                | Withdrawn()
                | OldestReduced()
                | AllClosed()
                | ClockSet()
                | AccountLimitsSet()
                | OffsetGapAccepted()
                | MarketStatusSet()
                | FeedSelected()
                | FeedKept()
                | TickHeld()
            ):
                pass  # Says nothing of a position.
            case _:
                assert_never(event)

    def _take_own(self, event: PositionEvent) -> None:
        if isinstance(event, PositionOpened):
            ticks = self._ticks.get(event.symbol)
            self.history = PositionHistory(
                shard=self._shard,
                instrument=self._instruments[event.symbol],
                opened=event,
                stop_loss=event.stop_loss,
                take_profit=event.take_profit,
                rules_version=self._rules_version,
                last_tick=None if ticks is None else ticks[1],
            )
            return
        if self.history is None:
            return  # The log begins after its opening.
        match event:
            case StopsAmended():
                self.history.amended = event
                self.history.stop_loss, self.history.take_profit = event.stop_loss, event.take_profit
            case PositionReduced():
                self.history.reduced.append(event)
            case PositionClosed():
                self.history.closed = event
            case _:
                assert_never(event)


def _events(log: LogReader, shard: int) -> "Iterator[Event]":
    for batch in log.events(shard, 0):
        for record in batch:
            try:
                yield decode_event(record.value)
            except NotDecodable as error:
                raise LogUnreadable(f"Shard {shard}: record {record.offset} holds no event: {error}.") from error
