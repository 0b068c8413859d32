"""What happened to positions lately, as this process has answered it, while the tables may not have it yet."""

from collections import OrderedDict
from typing import Final, TypeVar, assert_never

from schemas.event_groups import PositionEvent
from schemas.events import Event, PositionClosed, PositionOpened, PositionReduced, StopsAmended

POSITIONS_MAX: Final = 20_000
# Of one position; the tables are seldom behind by more than one.
REDUCTIONS_MAX: Final = 50

_Reductions = tuple[PositionReduced, ...]
Remembered = TypeVar("Remembered", PositionOpened, StopsAmended, _Reductions)


class RecentPositions:
    """Remembers openings, amendments and closed parts that were answered here; used on the loop only."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, PositionOpened] = OrderedDict()
        self._amended: OrderedDict[str, StopsAmended] = OrderedDict()
        self._parts: OrderedDict[str, _Reductions] = OrderedDict()

    def note(self, event: Event) -> None:
        """Take up an outcome."""
        if not isinstance(event, PositionEvent):
            return
        match event:
            case PositionOpened(position_id=position_id):
                _put(self._opened, position_id, event)
            case StopsAmended(position_id=position_id):
                before = self._amended.get(position_id)
                if before is None or before.seq < event.seq:
                    _put(self._amended, position_id, event)
            case PositionReduced(position_id=position_id):
                known = {part.seq: part for part in self._parts.get(position_id, ())} | {event.seq: event}
                newest = sorted(known)[-REDUCTIONS_MAX:]
                _put(self._parts, position_id, tuple(known[seq] for seq in newest))
            case PositionClosed():
                pass  # How a position was closed, the tables say.
            case _:
                assert_never(event)

    def opened(self, position_id: str, account_id: str) -> PositionOpened | None:
        """Give the opening of one of the account's positions, where it is remembered."""
        event = self._opened.get(position_id)
        return event if event is not None and event.account_id == account_id else None

    def changes(self, position_id: str, after_seq: int) -> list[StopsAmended | PositionReduced]:
        """Give what is remembered of a position and younger than an event, in order; of its amendments the last."""
        amended = self._amended.get(position_id)
        found = [*self._parts.get(position_id, ()), *(() if amended is None else (amended,))]
        return sorted((event for event in found if event.seq > after_seq), key=lambda event: event.seq)


def _put(events: OrderedDict[str, Remembered], key: str, event: Remembered) -> None:
    events[key] = event
    events.move_to_end(key)
    if len(events) > POSITIONS_MAX:
        events.popitem(last=False)
