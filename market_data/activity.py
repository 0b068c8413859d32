"""Which shards are active: a position is open, or a command came in the last minute."""

from typing import Final

from schemas.codec import PREFIX_SIZE, prefixes_of
from schemas.events import FeedKept, FeedSelected, PositionClosed, PositionOpened, PricesUpdated, TickHeld
from schemas.sharding import PRICE_SHARD

QUIET_AFTER_S: Final = 60.0


OPENED: Final = prefixes_of(PositionOpened)
CLOSED: Final = prefixes_of(PositionClosed)
OF_A_FEED: Final = prefixes_of(PricesUpdated, TickHeld, FeedSelected, FeedKept)


class ShardActivity:
    """Counts open positions by the kinds of events, without decoding them. Times are seconds of a monotonic clock.

    A shard is active until its events have been read to their end once: what is not known may be open.
    """

    def __init__(self, shards: int) -> None:
        self._open = [0] * shards
        self._acted_at = [float("-inf")] * shards
        self._unread = set(range(shards))

    @property
    def unread(self) -> frozenset[int]:
        """The shards whose events have not been read to their end yet."""
        return frozenset(self._unread)

    def begin(self, shard: int, positions: int) -> None:
        """Note how many positions are open where the shard's events begin to be read, and that no end was met yet."""
        self._open[shard] = positions
        self._unread.add(shard)

    def note_event(self, shard: int, value: bytes, now: float) -> None:
        """Note a shard's next event; what a feed causes is no activity."""
        prefix = value[:PREFIX_SIZE]
        if prefix in OF_A_FEED:
            return
        self._acted_at[shard] = now
        if prefix in OPENED:
            self._open[shard] += 1
        elif prefix in CLOSED:
            self._open[shard] -= 1

    def note_end(self, shard: int) -> None:
        """Note that all events of the shard are known."""
        self._unread.discard(shard)

    def active(self, now: float) -> frozenset[int]:
        """Give the active shards; where there is one, the shard that candles, tickers and alerts come of is, too."""
        found = frozenset(shard for shard in range(len(self._open)) if self._is_active(shard, now))
        return found | {PRICE_SHARD} if found else found

    def _is_active(self, shard: int, now: float) -> bool:
        # Below zero only where the log does not hold what the manifest says; then it is not known either.
        return shard in self._unread or self._open[shard] != 0 or now - self._acted_at[shard] < QUIET_AFTER_S
