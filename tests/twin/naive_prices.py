"""The ticks the naive engine accepts: the rules of docs/rules.md, one sentence after the other."""

from dataclasses import dataclass
from fractions import Fraction

from schemas.commands import SelectFeed, UpdatePrices
from schemas.messages import Instrument, Tick

MILLION = 10**6


@dataclass
class Quote:
    """A tick that was accepted or is held, and when it was last heard of."""

    bid: int
    ask: int
    source_time: int
    heard: int

    @property
    def mid(self) -> Fraction:
        """The middle."""
        return Fraction(self.bid + self.ask, 2)


class NaivePrices:
    """Quotes and candidates by symbol, and the feed they come from."""

    def __init__(self) -> None:
        self.feed: SelectFeed | None = None
        self.suspect = False
        self.quotes: dict[str, Quote] = {}
        self.candidates: dict[str, Quote] = {}
        self.newest: dict[str, tuple[int, int]] = {}
        self.left_behind: set[str] = set()  # symbols whose quote is of a feed that was left

    def select(self, command: SelectFeed) -> None:
        """Change the feed, unless it is the same."""
        if self.feed is not None and (self.feed.name, self.feed.run) == (command.name, command.run):
            return
        self.feed = command
        self.candidates.clear()
        self.newest.clear()
        self.left_behind = set(self.quotes)

    def is_selected(self, command: UpdatePrices) -> bool:
        """Whether the prices are of the feed that counts."""
        return self.feed is not None and (self.feed.name, self.feed.run) == (command.feed, command.run)

    def worth_of(self, symbol: str, time: int) -> str:
        """What a price is worth now."""
        if symbol not in self.quotes:
            return "none"
        if symbol in self.candidates:
            return "unconfirmed"
        return "stale" if self._is_stale(symbol, time) else "fresh"

    def update(self, command: UpdatePrices, instruments: dict[str, Instrument], time: int) -> list[str]:
        """Take a price command in; give the symbols whose tick was accepted, in instrument order."""
        self.suspect = abs(command.sent_at - time) > 2 * MILLION
        ticks: dict[str, Tick] = {}
        for tick in command.ticks:
            ticks.setdefault(tick.symbol, tick)
        before = {symbol: symbol in self.quotes and not self._is_stale(symbol, time) for symbol in instruments}
        accepted = []
        for symbol, instrument in instruments.items():
            if symbol in ticks and self._believes(ticks[symbol], instrument, time):
                accepted.append(symbol)
        for symbol in command.alive:
            if symbol not in ticks and before.get(symbol):
                self.quotes[symbol].heard = time
        return accepted

    def _is_stale(self, symbol: str, time: int) -> bool:
        return symbol in self.left_behind or time >= self.quotes[symbol].heard + 5 * MILLION

    def _believes(self, tick: Tick, instrument: Instrument, time: int) -> bool:
        symbol = tick.symbol
        if not 0 < tick.bid <= tick.ask <= 10**9:
            return False
        seen = Quote(tick.bid, tick.ask, tick.source_time, time)
        if Fraction(tick.ask - tick.bid) / seen.mid > Fraction(instrument.spread_max, MILLION):
            return False
        if symbol in self.newest and (tick.source_time, tick.update_id) <= self.newest[symbol]:
            return False
        assert self.feed is not None
        if self.feed.live and abs(tick.source_time - time) > 5 * MILLION:
            return False
        candidate = self.candidates.get(symbol)
        if candidate is not None and distance(seen, candidate) <= Fraction(1, 100):
            if tick.source_time - candidate.source_time < MILLION // 2:
                return False
            return self._accept(symbol, seen, tick)
        last = self.quotes.get(symbol)
        trusted = last is not None and not self._is_stale(symbol, time)
        if last is not None and trusted and distance(seen, last) <= Fraction(instrument.jump_max, MILLION):
            return self._accept(symbol, seen, tick)
        self.candidates[symbol] = seen
        self.newest[symbol] = (tick.source_time, tick.update_id)
        return False

    def _accept(self, symbol: str, seen: Quote, tick: Tick) -> bool:
        self.quotes[symbol] = seen
        self.candidates.pop(symbol, None)
        self.left_behind.discard(symbol)
        self.newest[symbol] = (tick.source_time, tick.update_id)
        return True


def distance(one: Quote, other: Quote) -> Fraction:
    """How far one middle is from the other, as a share of the other."""
    return abs(one.mid - other.mid) / other.mid
