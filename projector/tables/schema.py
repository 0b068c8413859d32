"""Which tables schema `ledger` of PostgreSQL has, and which of them a rebuild empties for the log to fill again."""

from typing import Final

from projector.tables.columns import metadata
from projector.tables.kept_tables import KEPT
from projector.tables.ledger_tables import (
    account_events,
    accounts,
    commands,
    fills,
    insurance,
    ledger_entries,
    positions,
    progress,
    receipts,
)
from projector.tables.market_tables import candles, feed, instruments, prices
from projector.tables.venue_tables import VENUE

# The metadata is complete once this file is imported.
__all__ = ["DERIVED", "TABLES", "metadata"]

# What follows from the ledger's events; what is the venue's is filled from its own topics.
DERIVED: Final = (
    account_events,
    accounts,
    candles,
    commands,
    feed,
    fills,
    instruments,
    insurance,
    ledger_entries,
    positions,
    prices,
    progress,
    receipts,
)
TABLES: Final = (*DERIVED, *KEPT, *VENUE)
