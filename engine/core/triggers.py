"""Which positions a price reaches, and in which order: an index, so that a tick costs what it triggers.

A trigger is kept under the side of the tick it watches and the direction it is reached from, as a key that grows the
later it is reached. A tick then reads each of the four lists from its beginning, up to the tick's own key.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from operator import itemgetter
from typing import Final, NamedTuple

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
CHUNK: Final = 512  # triggers; a chunk of twice as many becomes two


class Trigger(NamedTuple):
    """One price of one position. Sorts by what is reached first, then liquidation, stop, take, then number."""

    key: int  # the price in ticks; negated where it is reached from above
    kind: int
    number: int
    position_id: str


class SortedTriggers:
    """Triggers in their order, in chunks, so that one more or less moves few of them. `lasts` has the last of each."""

    def __init__(self, triggers: list[Trigger]) -> None:
        """Begin with these, which are sorted."""
        self._chunks = [triggers[start : start + CHUNK] for start in range(0, len(triggers), CHUNK)]
        self._lasts = [chunk[-1] for chunk in self._chunks]

    def __len__(self) -> int:
        """Count them."""
        return sum([len(chunk) for chunk in self._chunks])

    def add(self, trigger: Trigger) -> None:
        """Put one where it belongs."""
        if not self._chunks:
            self._chunks.append([trigger])
            self._lasts.append(trigger)
            return
        place = min(bisect_left(self._lasts, trigger), len(self._lasts) - 1)
        chunk = self._chunks[place]
        insort(chunk, trigger)
        if len(chunk) >= 2 * CHUNK:
            self._chunks[place : place + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._lasts[place : place + 1] = [chunk[CHUNK - 1], chunk[-1]]
        else:
            self._lasts[place] = chunk[-1]

    def remove(self, trigger: Trigger) -> None:
        """Take one out, which is there."""
        place = bisect_left(self._lasts, trigger)
        chunk = self._chunks[place]
        within = bisect_left(chunk, trigger)
        assert chunk[within] == trigger, f"{trigger} is not among them"
        del chunk[within]
        if chunk:
            self._lasts[place] = chunk[-1]
        else:
            del self._chunks[place], self._lasts[place]

    def up_to(self, key: int) -> list[Trigger]:
        """Give those whose key is not above this one, at no cost where there is none."""
        found: list[Trigger] = []
        beyond = Trigger(key + 1, -1, 0, "")
        for chunk in self._chunks:
            if chunk[0].key > key:
                break
            found += chunk[: bisect_left(chunk, beyond)]
        return found


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
            triggers.sort()
        self._lists = [SortedTriggers(triggers) for triggers in gathered]

    def __len__(self) -> int:
        """Count the triggers, not the positions."""
        return sum([len(triggers) for triggers in self._lists])

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
        falling = self._lists[BID_FALLING].up_to(-bid) + self._lists[ASK_FALLING].up_to(-ask)
        rising = self._lists[BID_RISING].up_to(bid) + self._lists[ASK_RISING].up_to(ask)
        return sorted(falling) + sorted(rising)


class Triggers:
    """The index of each symbol."""

    def __init__(self, indexes: dict[str, TriggerIndex] | None = None) -> None:
        """Begin with these, by symbol."""
        self.by_symbol = {} if indexes is None else indexes

    def define(self, symbol: str) -> None:
        """Keep an index for a symbol, if there is none."""
        self.by_symbol.setdefault(symbol, TriggerIndex())

    def add(self, position: Position) -> None:
        """Watch for a position's triggers."""
        self.by_symbol[position.symbol].add(position)

    def remove(self, position: Position) -> None:
        """Watch no longer for what `add` has entered of this position."""
        self.by_symbol[position.symbol].remove(position)

    def reached(self, symbol: str, bid: int, ask: int) -> list[Trigger]:
        """Give what a symbol's tick reaches, in order."""
        return self.by_symbol[symbol].reached(bid, ask)


class NoTriggers(Triggers):
    """None, for a ledger that is only folded: what executes commands needs them, and nothing else."""

    def define(self, symbol: str) -> None:
        """Keep nothing."""

    def add(self, position: Position) -> None:
        """Keep nothing."""

    def remove(self, position: Position) -> None:
        """Forget nothing."""


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
