"""Which questions the API may ask of the projection, and what the answers look like.

May import `tables`, nothing of `write`. Every function takes an open Connection and reads only; units are the ledger's
(tables/columns.py). Lists are newest first; `before` takes the `next_cursor` of the page before. What belongs to
another account is not found. The statements about price alerts, which also write, are in `alert_queries`.
Begin at `account_queries.py`; `answers.py` has the rows they answer with.
"""

from projector.queries.account_queries import (
    account,
    open_position_count,
    open_positions,
    position,
    positions,
    positions_of_receipts,
)
from projector.queries.answers import (
    AccountRow,
    CommandRow,
    EventRow,
    FillRow,
    LedgerRow,
    Page,
    PositionRow,
    ProjectionProgress,
    ReceiptRow,
)
from projector.queries.command_queries import command, command_by_client_order_id, commands, opening, orders
from projector.queries.history_queries import (
    LINES_MAX,
    account_event,
    account_events,
    fills,
    ledger,
    realized_pnl,
    receipt,
)
from projector.queries.holdings import ExecutionRow, HoldingRow, executions, holdings
from projector.queries.market_queries import (
    CandleRow,
    DayStats,
    FeedRow,
    InstrumentRow,
    Interval,
    PriceRow,
    candle_end,
    candle_start,
    candles,
    day_stats,
    instruments,
    last_feed,
    last_prices,
    price_state_of,
)
from projector.queries.opening_queries import (
    OpeningFigures,
    client_order_id_used_at,
    opening_figures,
    recent_outcomes,
)
from projector.queries.progress_queries import current_at, progress, projected_seq
from projector.queries.risk_queries import ExposureRow, LadderRow, exposure, liquidation_ladder
from projector.queries.venue_queries import (
    VenueOrderRow,
    VenuePositionRow,
    any_open_at_venue,
    open_venue_orders,
    venue_next_offset,
    venue_order_row,
    venue_order_rows,
    venue_position_rows,
)

__all__ = [
    "LINES_MAX",
    "AccountRow",
    "CandleRow",
    "CommandRow",
    "DayStats",
    "EventRow",
    "ExecutionRow",
    "ExposureRow",
    "FeedRow",
    "FillRow",
    "HoldingRow",
    "InstrumentRow",
    "Interval",
    "LadderRow",
    "LedgerRow",
    "OpeningFigures",
    "Page",
    "PositionRow",
    "PriceRow",
    "ProjectionProgress",
    "ReceiptRow",
    "VenueOrderRow",
    "VenuePositionRow",
    "account",
    "account_event",
    "account_events",
    "any_open_at_venue",
    "candle_end",
    "candle_start",
    "candles",
    "client_order_id_used_at",
    "command",
    "command_by_client_order_id",
    "commands",
    "current_at",
    "day_stats",
    "executions",
    "exposure",
    "fills",
    "holdings",
    "instruments",
    "last_feed",
    "last_prices",
    "ledger",
    "liquidation_ladder",
    "open_position_count",
    "open_positions",
    "open_venue_orders",
    "opening",
    "opening_figures",
    "orders",
    "position",
    "positions",
    "positions_of_receipts",
    "price_state_of",
    "progress",
    "projected_seq",
    "realized_pnl",
    "receipt",
    "recent_outcomes",
    "venue_next_offset",
    "venue_order_row",
    "venue_order_rows",
    "venue_position_rows",
]
