"""What the log says of one ticket: its opening, its stops, its parts, the ticks around its end, and the end."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from reprise.audit.log import Log, LogUnreadable
from reprise.runtime.errors import FixableError
from reprise.schemas.codec import NotDecodable, read_event
from reprise.schemas.events import (
    Event,
    InstrumentsDefined,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
)
from reprise.schemas.ids import event_id
from reprise.schemas.messages import Instrument


class SeenTick(NamedTuple):
    """An accepted tick, and the command that brought it."""

    offset: int
    bid: int
    ask: int


class History(msgspec.Struct):
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
    tick_before: SeenTick | None = None
    last_tick: SeenTick | None = None

    @property
    def closed_by(self) -> str:
        """The id of the command that closed it."""
        return (self.closed.command_id if self.closed is not None else None) or "unknown"


def history_of(log: Log, position_id: str) -> History:
    """Read a ticket's history; FixableError where there never was one of this name."""
    shard = shard_in(position_id, "position")
    search = _Search(shard, position_id)
    for event in _events(log, shard):
        search.take(event)
        if search.history is not None and search.history.closed is not None:
            break
    if search.history is None:
        raise FixableError(f"No position {position_id} was ever opened. An event is explained with --event.")
    return search.history


def event_at(log: Log, name: str) -> Event:
    """Find an event by its name, `shard-seq`."""
    shard = shard_in(name, "event")
    for event in _events(log, shard):
        if event_id(shard, event.seq) == name:
            return event
    raise FixableError(f"There is no event {name} in {log.name}.")


def shard_in(name: str, of: str) -> int:
    """Give the shard a name begins with."""
    shard, dash, number = name.partition("-")
    if not dash or not shard.isdecimal() or not number.isdecimal():
        raise FixableError(f"{name} is no {of}'s name; one looks like 0-12.")
    return int(shard)


class _Search:
    """Follows the events up to the ticket's end."""

    def __init__(self, shard: int, position_id: str) -> None:
        self.history: History | None = None
        self._shard = shard
        self._position_id = position_id
        self._instruments: dict[str, Instrument] = {}
        self._rules_version = 1
        self._ticks: dict[str, tuple[SeenTick | None, SeenTick]] = {}  # of each symbol the last two

    def take(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case PricesUpdated():
                for tick in event.accepted:
                    before = self._ticks.get(tick.symbol)
                    seen = SeenTick(event.command_offset, tick.bid, tick.ask)
                    self._ticks[tick.symbol] = (None if before is None else before[1], seen)
                if self.history is not None and self.history.opened.symbol in self._ticks:
                    self.history.tick_before, self.history.last_tick = self._ticks[self.history.opened.symbol]
            case InstrumentsDefined():
                self._instruments |= {instrument.symbol: instrument for instrument in event.instruments}
            case RulesActivated():
                self._rules_version = event.version
                if self.history is not None:
                    self.history.rules_version = event.version
            case PositionOpened() if event.position_id == self._position_id:
                ticks = self._ticks.get(event.symbol)
                self.history = History(
                    shard=self._shard,
                    instrument=self._instruments[event.symbol],
                    opened=event,
                    stop_loss=event.stop_loss,
                    take_profit=event.take_profit,
                    rules_version=self._rules_version,
                    last_tick=None if ticks is None else ticks[1],
                )
            case StopsAmended() if event.position_id == self._position_id and self.history is not None:
                self.history.amended = event
                self.history.stop_loss, self.history.take_profit = event.stop_loss, event.take_profit
            case PositionReduced() if event.position_id == self._position_id and self.history is not None:
                self.history.reduced.append(event)
            case PositionClosed() if event.position_id == self._position_id and self.history is not None:
                self.history.closed = event
            case _:
                pass  # Says nothing of this ticket.


def _events(log: Log, shard: int) -> "Iterator[Event]":
    for batch in log.events(shard, 0):
        for record in batch:
            try:
                yield read_event(record.value)
            except NotDecodable as error:
                raise LogUnreadable(f"Shard {shard}: record {record.offset} holds no event: {error}.") from error
