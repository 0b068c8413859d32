"""Which positions a price reaches, and in which order: an index, so that a tick costs what it triggers.

A trigger is kept under the side of the tick it watches and the direction it is reached from, as a key that grows the
later it is reached. A tick then reads each of the four lists from its beginning, up to the tick's own key.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Final, NamedTuple

from sortedcontainers import SortedList

from schemas.ledger_records import Position
from schemas.messages import CloseReason

LIQUIDATION: Final = 0
STOP_LOSS: Final = 1
TAKE_PROFIT: Final = 2
# What a trigger watches, and the direction it is reached from.
BID_FALLING: Final = 0
BID_RISING: Final = 1
ASK_FALLING: Final = 2
ASK_RISING: Final = 3
REASONS: Final[tuple[CloseReason, ...]] = ("liquidation", "stop_loss", "take_profit")


class Trigger(NamedTuple):
    """One price of one position. Sorts by what is reached first, then liquidation, stop, take, then number."""

    key: int  # the price in ticks; negated where it is reached from above
    kind: int
    number: int
    position_id: str


class TriggerIndex:
    """The triggers of one symbol."""

    def __init__(self, positions: Iterable[Position] = ()) -> None:
        """Watch for these positions; many at once cost one sorting."""
        gathered: tuple[list[Trigger], ...] = ([], [], [], [])
        for position in positions:
            for watched, trigger in _triggers_of(position):
                gathered[watched].append(trigger)
        for triggers in gathered:
            triggers.sort(key=itemgetter(0))  # By one small number, the whole sorting then finds little to do.
        self._lists: tuple[SortedList[Trigger], ...] = tuple(SortedList(triggers) for triggers in gathered)

    def __len__(self) -> int:
        """Count the triggers, not the positions."""
        return sum(map(len, self._lists))

    def add(self, position: Position) -> None:
        """Watch for a position's liquidation price, stop and take."""
        for watched, trigger in _triggers_of(position):
            self._lists[watched].add(trigger)

    def remove(self, position: Position) -> None:
        """Watch no longer for what `add` has entered of this position."""
        for watched, trigger in _triggers_of(position):
            self._lists[watched].remove(trigger)

    def reached(self, bid: int, ask: int) -> list[Trigger]:
        """Give what this tick reaches: falling prices from high to low, then rising ones from low to high."""
        falling = _up_to(self._lists[BID_FALLING], -bid) + _up_to(self._lists[ASK_FALLING], -ask)
        rising = _up_to(self._lists[BID_RISING], bid) + _up_to(self._lists[ASK_RISING], ask)
        return sorted(falling) + sorted(rising)


def _triggers_of(position: Position) -> list[tuple[int, Trigger]]:
    """Give a position's triggers, each with what it watches: a long's loss comes from above, a short's from below."""
    if position.side == "long":
        against, favour, sign = BID_FALLING, BID_RISING, -1
    else:
        against, favour, sign = ASK_RISING, ASK_FALLING, 1
    number, position_id = position.number, position.position_id
    found = []
    if (price := position.liquidation_price) is not None:
        found.append((against, Trigger(sign * price, LIQUIDATION, number, position_id)))
    if (price := position.stop_loss) is not None:
        found.append((against, Trigger(sign * price, STOP_LOSS, number, position_id)))
    if (price := position.take_profit) is not None:
        found.append((favour, Trigger(-sign * price, TAKE_PROFIT, number, position_id)))
    return found


def _up_to(triggers: "SortedList[Trigger]", key: int) -> list[Trigger]:
    """Give the triggers whose key is not above this one; at no cost when there is none."""
    if not triggers or triggers[0].key > key:
        return []
    return list(triggers.irange(maximum=Trigger(key + 1, -1, 0, ""), inclusive=(True, False)))
