"""What this process was lately told about tickets, for as long as the tables may not have it yet."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from reprise.schemas.events import Event, PositionOpened, StopsAmended

TICKETS_MAX: Final = 20_000

Remembered = TypeVar("Remembered", PositionOpened, StopsAmended)


class Tickets:
    """Remembers openings and amendments that were answered here; used on the loop only."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, PositionOpened] = OrderedDict()
        self._amended: OrderedDict[str, StopsAmended] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def note(self, event: Event) -> None:
        """Take up an outcome."""
        match event:
            case PositionOpened(position_id=position_id):
                _put(self._opened, position_id, event)
            case StopsAmended(position_id=position_id):
                before = self._amended.get(position_id)
                if before is None or before.seq < event.seq:
                    _put(self._amended, position_id, event)
            case _:
                pass

    @asynccontextmanager
    async def held(self, position_id: str) -> AsyncIterator[None]:
        """Let one request of this process at a time through."""
        lock = self._locks.setdefault(position_id, asyncio.Lock())
        async with lock:
            yield

    def opened(self, position_id: str, account_id: str) -> PositionOpened | None:
        """Give the opening of one of the account's positions, where it is remembered."""
        event = self._opened.get(position_id)
        return event if event is not None and event.account_id == account_id else None

    def amended(self, position_id: str, after_seq: int) -> StopsAmended | None:
        """Give the last amendment, where it is younger than an event."""
        event = self._amended.get(position_id)
        return event if event is not None and event.seq > after_seq else None


def _put(events: OrderedDict[str, Remembered], key: str, event: Remembered) -> None:
    events[key] = event
    events.move_to_end(key)
    if len(events) > TICKETS_MAX:
        events.popitem(last=False)
