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
        against, favour = self._lists(position)
        sign = -1 if position.side == "long" else 1
        for kind, price in ((LIQUIDATION, position.liquidation_price), (STOP_LOSS, position.stop_loss)):
            if price is not None:
                against.add(Trigger(sign * price, kind, position.number, position.position_id))
        if position.take_profit is not None:
            favour.add(Trigger(-sign * position.take_profit, TAKE_PROFIT, position.number, position.position_id))

    def remove(self, position: Position) -> None:
        """Forget what `add` was told of this ticket."""
        against, favour = self._lists(position)
        sign = -1 if position.side == "long" else 1
        for kind, price in ((LIQUIDATION, position.liquidation_price), (STOP_LOSS, position.stop_loss)):
            if price is not None:
                against.remove(Trigger(sign * price, kind, position.number, position.position_id))
        if position.take_profit is not None:
            favour.remove(Trigger(-sign * position.take_profit, TAKE_PROFIT, position.number, position.position_id))

    def reached(self, bid: int, ask: int) -> list[Trigger]:
        """Give what this tick reaches: falling prices from high to low, then rising ones from low to high."""
        falling = _up_to(self.bid_falling, -bid) + _up_to(self.ask_falling, -ask)
        rising = _up_to(self.bid_rising, bid) + _up_to(self.ask_rising, ask)
        return sorted(falling) + sorted(rising)

    def _lists(self, position: Position) -> "tuple[SortedList[Trigger], SortedList[Trigger]]":
        """Give where a loss is watched for, and where a gain."""
        if position.side == "long":
            return self.bid_falling, self.bid_rising
        return self.ask_rising, self.ask_falling


def _up_to(triggers: "SortedList[Trigger]", key: int) -> list[Trigger]:
    """Give the triggers whose key is not above this one; at no cost when there is none."""
    if not triggers or triggers[0].key > key:
        return []
    return list(triggers.irange(maximum=Trigger(key + 1, -1, 0, ""), inclusive=(True, False)))
