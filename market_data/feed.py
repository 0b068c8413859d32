"""What a feed is: an endless walk over what it saw, told in one language whatever the source."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from schemas.messages import FeedName


class _Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something a feed says."""


class Quote(_Item, frozen=True, kw_only=True):
    """A symbol's best bid and ask, as the source wrote them. source_time: µs UTC; update_id: rises within a symbol.

    The sizes, where the source says them, are for whoever records or plays it again.
    """

    symbol: str
    bid: str
    ask: str
    source_time: int
    update_id: int
    bid_size: str | None = None
    ask_size: str | None = None


class Heard(_Item, frozen=True, kw_only=True):
    """The source spoke about a symbol without a new quote. volume: of the last day, where the source says it."""

    symbol: str
    volume: str | None = None


class Interrupted(_Item, frozen=True, kw_only=True):
    """The source went away: what it said may have changed unseen, until it quotes each symbol anew."""


class Ended(_Item, frozen=True, kw_only=True):
    """The source has nothing more to say, ever."""


Item = Quote | Heard | Interrupted | Ended


class Feed(Protocol):
    """A source of prices. A live feed's source times are now; the others have a run of their own each start."""

    @property
    def name(self) -> FeedName:
        """What the exchange calls it."""

    @property
    def run(self) -> str:
        """Which start of it this is."""

    @property
    def live(self) -> bool:
        """Whether its source times are now."""

    def items(self) -> AsyncIterator[Item]:
        """Say what is seen, as it is seen."""
