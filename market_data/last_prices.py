"""The last prices the exchange accepted, read back from its events."""

from collections.abc import Iterable
from typing import Final

from runtime.kafka import read_back
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.events import PricesUpdated
from schemas.sharding import PRICE_SHARD
from schemas.topics import EVENTS

FIRST_WINDOW: Final = 500
LAST_WINDOW: Final = 32_000  # events looked at before a symbol counts as never quoted


def last_accepted_prices(settings: Settings, symbols: Iterable[str]) -> dict[str, int]:
    """Give the middle of each symbol's last accepted tick, in ticks rounded down; nothing for one not found."""
    wanted = set(symbols)
    window = FIRST_WINDOW
    while True:
        found: dict[str, int] = {}
        records = read_back(settings, EVENTS, PRICE_SHARD, window)
        for record in records:
            event = decode_event(record.value)
            if isinstance(event, PricesUpdated):
                found |= {tick.symbol: (tick.bid + tick.ask) // 2 for tick in event.accepted if tick.symbol in wanted}
        if len(found) == len(wanted) or len(records) < window or window >= LAST_WINDOW:
            return found
        window *= 8
