"""Which tickets a price reaches, and in which order: an index, so that a tick costs what it triggers.

A trigger is kept under the side of the tick it watches and the direction it is reached from, as a key that grows the
later it is reached. A tick then reads each of the four lists from its beginning, up to the tick's own key.
"""

from typing import Final, NamedTuple

from sortedcontainers import SortedList

from reprise.engine.core.records import Position
from reprise.schemas.messages import CloseReason

LIQUIDATION: Final = 0
STOP_LOSS: Final = 1
TAKE_PROFIT: Final = 2
REASONS: Final[tuple[CloseReason, ...]] = ("liquidation", "stop_loss", "take_profit")


class Trigger(NamedTuple):
    """One price of one ticket. Sorts by what is reached first, then liquidation, stop, take, then position."""

    key: int  # the price in ticks; negated where it is reached from above
    kind: int
    number: int
    position_id: str


class TriggerIndex:
    """The triggers of one symbol."""

    def __init__(self) -> None:
        self.bid_falling: SortedList[Trigger] = SortedList()
        self.bid_rising: SortedList[Trigger] = SortedList()
        self.ask_falling: SortedList[Trigger] = SortedList()
        self.ask_rising: SortedList[Trigger] = SortedList()

    def add(self, position: Position) -> None:
        """Watch for a ticket's liquidation price, stop and take."""
        for triggers, trigger in self._triggers_of(position):
            triggers.add(trigger)

    def remove(self, position: Position) -> None:
        """Forget what `add` was told of this ticket."""
        for triggers, trigger in self._triggers_of(position):
            triggers.remove(trigger)

    def reached(self, bid: int, ask: int) -> list[Trigger]:
        """Give what this tick reaches: falling prices from high to low, then rising ones from low to high."""
        falling = _up_to(self.bid_falling, -bid) + _up_to(self.ask_falling, -ask)
        rising = _up_to(self.bid_rising, bid) + _up_to(self.ask_rising, ask)
        return sorted(falling) + sorted(rising)

    def _triggers_of(self, position: Position) -> "list[tuple[SortedList[Trigger], Trigger]]":
        """Give a ticket's triggers, each with its list: a long's loss comes from above, a short's from below."""
        long = position.side == "long"
        against, favour = (self.bid_falling, self.bid_rising) if long else (self.ask_rising, self.ask_falling)
        sign = -1 if long else 1
        prices = (
            (against, sign, LIQUIDATION, position.liquidation_price),
            (against, sign, STOP_LOSS, position.stop_loss),
            (favour, -sign, TAKE_PROFIT, position.take_profit),
        )
        return [
            (triggers, Trigger(direction * price, kind, position.number, position.position_id))
            for triggers, direction, kind, price in prices
            if price is not None
        ]


def _up_to(triggers: "SortedList[Trigger]", key: int) -> list[Trigger]:
    """Give the triggers whose key is not above this one; at no cost when there is none."""
    if not triggers or triggers[0].key > key:
        return []
    return list(triggers.irange(maximum=Trigger(key + 1, -1, 0, ""), inclusive=(True, False)))
