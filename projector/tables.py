"""Which tables schema `ledger` of PostgreSQL has, and which of them a rebuild empties for the log to fill again."""

from typing import Final

from projector.columns import SCHEMA, metadata
from projector.kept_tables import KEPT, alerts, candle_history
from projector.ledger_tables import (
    account_events,
    accounts,
    commands,
    fills,
    ledger_entries,
    positions,
    progress,
    receipts,
)
from projector.market_tables import candles, feed, instruments, prices
from projector.venue_tables import VENUE, venue_fills, venue_orders, venue_positions, venue_progress

__all__ = [
    "DERIVED",
    "KEPT",
    "SCHEMA",
    "VENUE",
    "account_events",
    "accounts",
    "alerts",
    "candle_history",
    "candles",
    "commands",
    "feed",
    "fills",
    "instruments",
    "ledger_entries",
    "metadata",
    "positions",
    "prices",
    "progress",
    "receipts",
    "venue_fills",
    "venue_orders",
    "venue_positions",
    "venue_progress",
]

# What follows from the ledger's events; what is the venue's is filled from its own topics.
DERIVED: Final = tuple(table for table in metadata.sorted_tables if table not in (*KEPT, *VENUE))
