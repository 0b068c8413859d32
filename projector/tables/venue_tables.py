"""Which tables say what became of the orders at the venue, as `venue.commands` and `venue.events` tell it.

They are no part of the ledger, and of no shard of it.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Integer, Table, Text

from projector.tables.columns import decimal, decimal_or_null, metadata, number, number_or_null, word, word_or_null

# How far each partition has been read; written in the same transaction as the rows that follow from it.
venue_progress = Table(
    "venue_progress",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    number("next_offset"),
    number("seq"),  # of events; 0 of commands
)

venue_orders = Table(
    "venue_orders",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    word("status"),
    word("symbol"),
    word("side"),
    word("type"),
    decimal("quantity"),
    decimal_or_null("price"),
    decimal_or_null("stop_price"),
    word_or_null("time_in_force"),
    number_or_null("venue_order_id"),
    decimal("executed_quantity"),
    decimal("executed_quote"),
    word_or_null("code"),
    word_or_null("message"),
    number("created_at"),
    number("updated_at"),
)
Index(None, venue_orders.c.account_id, venue_orders.c.number)

# counts: false once a reset of the venue has undone it.
venue_fills = Table(
    "venue_fills",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    word("account_id"),
    word("order_id"),
    word("symbol"),
    word("side"),
    number("trade_id"),
    number("time"),
    decimal("price"),
    decimal("quantity"),
    decimal("commission"),
    word("commission_asset"),
    Column("counts", Boolean, nullable=False),
)
Index(None, venue_fills.c.account_id, venue_fills.c.symbol, venue_fills.c.seq, venue_fills.c.line)

# quantity: net, negative where more was sold than bought; cost: what the open part was entered at, in all.
venue_positions = Table(
    "venue_positions",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    decimal("quantity"),
    decimal("cost"),
    decimal("realized_pnl"),
    number("updated_at"),
)

VENUE: Final = (venue_progress, venue_orders, venue_fills, venue_positions)
