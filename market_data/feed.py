"""What a price feed is: an endless stream of quotes, heartbeats and interruptions, the same for every source."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from schemas.words import FeedName


class _Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One item of a feed."""


class FeedQuote(_Item, frozen=True, kw_only=True):
    """A symbol's best bid and ask, as the source wrote them. source_time: µs UTC; update_id: rises within a symbol.

    The sizes, where the source has them, are only recorded and played again.
    """

    symbol: str
    bid: str
    ask: str
    source_time: int
    update_id: int
    bid_size: str | None = None
    ask_size: str | None = None


class Heartbeat(_Item, frozen=True, kw_only=True):
    """The source sent something about a symbol without a new quote.

    volume: of the last day; last_price: of the last trade; each where it is known.
    """

    symbol: str
    volume: str | None = None
    last_price: str | None = None


class OutdatedQuote(_Item, frozen=True, kw_only=True):
    """A quote that is not newer than the last, and not the same: which of the two is the market's is not known."""

    symbol: str


class FeedInterrupted(_Item, frozen=True, kw_only=True):
    """The connection is lost: each price may have changed unseen, until the source quotes the symbol again."""


class FeedEnded(_Item, frozen=True, kw_only=True):
    """The source has come to its end, for good.

    failure: why that was not the end of what it has, null where it was. notice: what else is to be told of it.
    """

    failure: str | None = None
    notice: str | None = None


FeedItem = FeedQuote | Heartbeat | OutdatedQuote | FeedInterrupted | FeedEnded


class PriceFeed(Protocol):
    """A source of prices. A live feed's source times are now; the others have a run of their own each start."""

    @property
    def name(self) -> FeedName:
        """Its name in the log."""

    @property
    def run(self) -> str:
        """The id of this start."""

    @property
    def live(self) -> bool:
        """Whether its source times are now."""

    def items(self) -> AsyncIterator[FeedItem]:
        """Give the items as they come."""
