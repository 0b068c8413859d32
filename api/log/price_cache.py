"""What each symbol's price is and is worth, folded from the events of shard 0."""

from typing import NamedTuple, assert_never

from api.pretrade.standing import LastPrice
from schemas.derived import PriceState, exit_price, price_state
from schemas.event_groups import MarketEvent
from schemas.events import FeedKept, FeedSelected, InstrumentsDefined, MarketStatusSet, PricesUpdated, TickHeld
from schemas.instruments import INSTRUMENTS
from schemas.messages import Instrument, MarketStatus, Side


class CachedQuote(NamedTuple):
    """The last accepted tick. Prices in ticks; heard_at: log time (µs) of it or of its last alive mark."""

    bid: int
    ask: int
    heard_at: int
    feed: str
    left: bool = False  # the feed was left since
    held_at: int | None = None  # log time (µs) since when a candidate waits


class PriceCache:
    """One thread folds, any thread reads: every value is replaced whole, never changed."""

    def __init__(self) -> None:
        self.feed: str | None = None
        self.clock_suspect = False
        # What never changes of an instrument, its units, is the same before the first broadcast.
        self.instruments: dict[str, Instrument] = {instrument.symbol: instrument for instrument in INSTRUMENTS}
        self._statuses: dict[str, MarketStatus] = {}
        self._quotes: dict[str, CachedQuote] = {}

    def start_from(self, symbol: str, quote: CachedQuote) -> None:
        """Take over a price that PostgreSQL has."""
        self.feed = self.feed or quote.feed
        self._quotes[symbol] = quote

    def fold(self, event: MarketEvent) -> None:
        """Bring in one event of shard 0."""
        match event:
            case PricesUpdated():
                self._update(event)
            case TickHeld(symbol=symbol, time=time):
                quote = self._quotes.get(symbol)
                if quote is not None:
                    self._quotes[symbol] = quote._replace(held_at=time)
            case FeedSelected(name=name):
                self.feed = name
                for symbol, quote in list(self._quotes.items()):
                    self._quotes[symbol] = quote._replace(left=True, held_at=None)
            case FeedKept(name=name):
                self.feed = name
            case InstrumentsDefined(instruments=instruments):
                self.instruments |= {instrument.symbol: instrument for instrument in instruments}
            case MarketStatusSet(symbol=symbol, status=status):
                self._statuses[symbol] = status
            case _:
                assert_never(event)

    def quote(self, symbol: str) -> CachedQuote | None:
        """Give the last accepted price, however old; null while none was accepted."""
        return self._quotes.get(symbol)

    def last_price(self, symbol: str) -> LastPrice | None:
        """Give the last accepted price as a preview takes it."""
        quote = self._quotes.get(symbol)
        return None if quote is None else LastPrice(quote.bid, quote.ask, quote.heard_at, quote.left, quote.held_at)

    def status(self, symbol: str) -> MarketStatus:
        """Say whether the market is open."""
        return self._statuses.get(symbol, "open")

    def set_status(self, symbol: str, status: MarketStatus) -> None:
        """Take over a market's status that PostgreSQL has."""
        self._statuses[symbol] = status

    def state(self, symbol: str, now: int) -> PriceState:
        """Say what the price is worth at a time in µs; the same words and order as the core's."""
        quote = self._quotes.get(symbol)
        if quote is None:
            return "none"
        return price_state(quote.heard_at, now, held_at=quote.held_at, feed_changed=quote.left)

    def exit_price(self, symbol: str, side: Side) -> int | None:
        """Give the price in ticks at which a position would close: a long at the bid, a short at the ask."""
        quote = self._quotes.get(symbol)
        return None if quote is None else exit_price(side, quote.bid, quote.ask)

    def unrealized_pnl(self, symbol: str, side: Side, quantity: int, entry_price: int) -> int | None:
        """Give the profit (micros) of so many lots at the price at which they would close; null without a price."""
        price = self.exit_price(symbol, side)
        if price is None:
            return None
        move = price - entry_price if side == "long" else entry_price - price
        return move * quantity * self.instruments[symbol].tick_value

    def _update(self, event: PricesUpdated) -> None:
        self.feed = event.feed
        self.clock_suspect = event.clock_suspect
        for tick in event.accepted:
            self._quotes[tick.symbol] = CachedQuote(tick.bid, tick.ask, event.time, event.feed)
        for symbol in event.alive:
            quote = self._quotes.get(symbol)
            if quote is not None:
                self._quotes[symbol] = quote._replace(heard_at=event.time)
