"""Which shards get prices at which pace: active ones after the set interval, quiet ones as rarely as PRICE-20 allows.

Each price command costs the same room in the log, whether a position waits for it or not. An opening needs a price that
is no older than two seconds, or what its instrument says: where that is less, every shard keeps the shorter interval.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from market_data.conflation import ConflatedPrices, Conflation
from market_data.conversion import TickPrice
from market_data.feed import FeedQuote
from market_data.ledger import FollowedLedger
from market_data.recorded_feed import read_speed
from market_data.vouching import Doubt, Vouching
from runtime.setting_values import RECORDED
from runtime.settings import Settings
from schemas.messages import Instrument
from schemas.units import SECOND

ACTIVE_MAX_S: Final = 1.0
OPEN_AGE_MAX: Final = 2 * SECOND  # PRICE-20, of an instrument that says nothing else


class PriceIntervals(NamedTuple):
    """Least seconds between two price commands of a shard; 0 forwards each tick."""

    active: float
    quiet: float


def price_intervals(settings: Settings) -> PriceIntervals:
    """Give the intervals of the settings. A recording is played to be seen as it was, whether anybody trades or not."""
    recorded = settings.feed.startswith(RECORDED)
    if recorded and read_speed(settings.feed_speed) is None:
        return PriceIntervals(0.0, 0.0)
    active = min(settings.price_interval_ms / 1000, ACTIVE_MAX_S)
    return PriceIntervals(active, active if recorded or active == 0 else settings.price_quiet_interval_ms / 1000)


class ShardPrices(NamedTuple):
    """The content of the next price command of these shards."""

    shards: frozenset[int]
    prices: ConflatedPrices


class PacedPrices:
    """The ticks that shards of either pace have not got yet. Times are seconds of a monotonic clock."""

    def __init__(self, ledger: FollowedLedger, vouching: Vouching, intervals: PriceIntervals) -> None:
        self._ledger = ledger
        self._vouching = vouching
        self._one_pace = intervals.quiet <= intervals.active
        self._all = frozenset(range(ledger.shards))
        self._active = self._all
        self._for_active = Conflation(ledger, vouching, intervals.active)
        self._for_quiet = Conflation(ledger, vouching, intervals.quiet)

    @property
    def active(self) -> frozenset[int]:
        """The shards that get prices after the shorter interval."""
        return self._active

    def add_tick(self, quote: FeedQuote, price: TickPrice, now: float) -> None:
        """Note a well-formed price."""
        self._for_active.add_tick(quote, price)
        self._for_quiet.add_tick(quote, price)
        self._vouching.add_quote(quote, price, now)

    def add_ill_formed(self, quote: FeedQuote, price: TickPrice, why: Doubt) -> None:
        """Note a price that the core will refuse."""
        self._for_active.add_ill_formed(quote, price)
        self._for_quiet.add_ill_formed(quote, price)
        self._vouching.doubt(quote.symbol, why)

    def wait_s(self, now: float) -> float:
        """How long from now until a command may be due, if no item comes; 0 when one is due."""
        if self._active_at(now) != self._active:
            return 0.0
        return min((conflation.wait_s(now) for shards, conflation in self._paces() if shards), default=0.0)

    def take_due(self, now: float) -> list[ShardPrices]:
        """Give what is due, and forget it.

        Where a shard changes its pace, every shard first gets what it has not got, so that all know the same.
        """
        active = self._active_at(now)
        changes = active != self._active
        due = []
        for shards, conflation in self._paces():
            prices = conflation.take(now) if changes else conflation.take_due(now)
            if shards and prices is not None:
                due.append(ShardPrices(shards, prices))
        self._active = active
        return due

    def _active_at(self, now: float) -> frozenset[int]:
        if self._one_pace or any(map(_needs_young_prices, self._ledger.followed.values())):
            return self._all
        return self._ledger.activity.active(now)

    def _paces(self) -> Iterator[tuple[frozenset[int], Conflation]]:
        yield self._active, self._for_active
        yield self._all - self._active, self._for_quiet


def _needs_young_prices(instrument: Instrument) -> bool:
    return instrument.open_age_max is not None and instrument.open_age_max < OPEN_AGE_MAX
