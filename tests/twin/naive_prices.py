"""The ticks the naive engine accepts: the rules of docs/rules.md, one sentence after the other."""

from dataclasses import dataclass
from fractions import Fraction

from schemas.commands import SelectFeed, UpdatePrices
from schemas.messages import AliveMark, Instrument, Tick

MILLION = 10**6


@dataclass
class Quote:
    """A tick that was accepted or is held, and when it was last heard of, or was held."""

    bid: int
    ask: int
    source_time: int
    update_id: int
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
        self.left_behind: set[str] = set()  # symbols whose quote is stale whatever its age
        self.doubted: set[str] = set()  # symbols of which a newer tick than the accepted one was refused
        self.rules = 1

    def select(self, command: SelectFeed) -> None:
        """Change the feed, unless it is the same."""
        if self.feed is not None and (self.feed.name, self.feed.run) == (command.name, command.run):
            return
        self.feed = command
        self.candidates.clear()
        self.newest.clear()
        self.left_behind = set(self.quotes)

    def go_by(self, rules: int, time: int) -> None:
        """Go on by other rules; what is held ages from now on."""
        self.rules = rules
        for candidate in self.candidates.values():
            candidate.heard = time

    def turn_back(self, time: int) -> None:
        """Let the time be what it is; what was heard or held later than that counts from now."""
        for symbol, quote in self.quotes.items():
            if quote.heard > time:
                quote.heard = time
                self.left_behind.add(symbol)
        for candidate in self.candidates.values():
            candidate.heard = min(candidate.heard, time)
        if self.feed is not None and self.feed.live:
            for symbol in [symbol for symbol, (newest, _) in self.newest.items() if newest > time + 5 * MILLION]:
                del self.newest[symbol]
                self.candidates.pop(symbol, None)
                if symbol in self.quotes:
                    self.left_behind.add(symbol)

    def is_selected(self, command: UpdatePrices) -> bool:
        """Whether the prices are of the feed that counts."""
        return self.feed is not None and (self.feed.name, self.feed.run) == (command.feed, command.run)

    def worth_of(self, symbol: str, time: int) -> str:
        """What a price is worth now."""
        if symbol not in self.quotes:
            return "none"
        if self._held(symbol, time) is not None:
            return "unconfirmed"
        return "stale" if self._is_stale(symbol, time) else "fresh"

    def age(self, symbol: str, time: int) -> int:
        """How long ago a price was heard of."""
        return time - self.quotes[symbol].heard

    def update(self, command: UpdatePrices, instruments: dict[str, Instrument], time: int) -> list[str]:
        """Take a price command in; give the symbols whose tick was accepted, in instrument order."""
        self.suspect = abs(command.sent_at - time) > 2 * MILLION
        ticks: dict[str, Tick] = {}
        for tick in command.ticks:
            ticks.setdefault(tick.symbol, tick)
        alive = self._alive(command, instruments, ticks, time)
        accepted, refused = [], [tick for tick in command.ticks if ticks[tick.symbol] is not tick]
        for symbol, instrument in instruments.items():
            if symbol not in ticks:
                continue
            became = self._judge(ticks[symbol], instrument, time)
            if became == "accepted":
                accepted.append(symbol)
            elif became == "refused":
                refused.append(ticks[symbol])
        for symbol in alive:
            self.quotes[symbol].heard = time
        for tick in refused:
            self._doubt(tick)
        return accepted

    def _alive(
        self, command: UpdatePrices, instruments: dict[str, Instrument], ticks: dict[str, Tick], time: int
    ) -> list[str]:
        """Give the symbols that stay fresh: by name, or, under version 2, by a mark that names the accepted tick."""
        fresh = [symbol for symbol in instruments if symbol in self.quotes and not self._is_stale(symbol, time)]
        if self.rules == 1:
            return [symbol for symbol in fresh if symbol in command.alive and symbol not in ticks]
        marks: dict[str, AliveMark] = {}
        for mark in command.marks or ():
            marks.setdefault(mark.symbol, mark)
        vouched = [symbol for symbol in fresh if symbol in marks and symbol not in ticks]
        return [] if self.suspect else [symbol for symbol in vouched if self._is_last(marks[symbol])]

    def _is_last(self, mark: AliveMark) -> bool:
        """Whether it names the accepted tick, and nothing newer was held or refused."""
        quote = self.quotes[mark.symbol]
        named = (mark.source_time, mark.update_id) == (quote.source_time, quote.update_id)
        return named and mark.symbol not in self.candidates and mark.symbol not in self.doubted

    def _doubt(self, tick: Tick) -> None:
        quote = self.quotes.get(tick.symbol)
        if self.rules == 1 or quote is None:
            return
        if (tick.source_time, tick.update_id) > (quote.source_time, quote.update_id):
            self.doubted.add(tick.symbol)
            if self.suspect:
                self.left_behind.add(tick.symbol)

    def _held(self, symbol: str, time: int) -> Quote | None:
        """Give the candidate, unless it was held too long ago."""
        candidate = self.candidates.get(symbol)
        if candidate is None or (self.rules > 1 and time >= candidate.heard + 5 * MILLION):
            return None
        return candidate

    def _is_stale(self, symbol: str, time: int) -> bool:
        return symbol in self.left_behind or time >= self.quotes[symbol].heard + 5 * MILLION

    def _judge(self, tick: Tick, instrument: Instrument, time: int) -> str:
        symbol = tick.symbol
        if not 0 < tick.bid <= tick.ask <= 10**9:
            return "refused"
        seen = Quote(tick.bid, tick.ask, tick.source_time, tick.update_id, time)
        if Fraction(tick.ask - tick.bid) / seen.mid > Fraction(instrument.spread_max, MILLION):
            return "refused"
        if symbol in self.newest and (tick.source_time, tick.update_id) <= self.newest[symbol]:
            return "refused"
        assert self.feed is not None
        if self.feed.live and abs(tick.source_time - time) > 5 * MILLION:
            return "refused"
        candidate = self._held(symbol, time)
        if candidate is not None and distance(seen, candidate) <= Fraction(1, 100):
            if tick.source_time - candidate.source_time < MILLION // 2:
                return "refused"
            return self._accept(seen, tick)
        last = self.quotes.get(symbol)
        trusted = last is not None and not self._is_stale(symbol, time)
        if last is not None and trusted and self._jump(seen, last) <= Fraction(instrument.jump_max, MILLION):
            return self._accept(seen, tick)
        self.candidates[symbol] = seen
        self.newest[symbol] = (tick.source_time, tick.update_id)
        return "held"

    def _jump(self, seen: Quote, last: Quote) -> Fraction:
        """How far a price moved, as a share of the one before, or, under version 2, of the smaller one."""
        if self.rules == 1:
            return distance(seen, last)
        return max(distance(seen, last), distance(last, seen))

    def _accept(self, seen: Quote, tick: Tick) -> str:
        symbol = tick.symbol
        self.quotes[symbol] = seen
        self.candidates.pop(symbol, None)
        self.left_behind.discard(symbol)
        self.doubted.discard(symbol)
        self.newest[symbol] = (tick.source_time, tick.update_id)
        return "accepted"


def distance(one: Quote, other: Quote) -> Fraction:
    """How far one middle is from the other, as a share of the other."""
    return abs(one.mid - other.mid) / other.mid
