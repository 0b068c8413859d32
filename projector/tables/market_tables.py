"""Which tables say what shard 0's events tell of the market: prices, candles, the feed, the instruments."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from projector.tables.columns import metadata, number, number_or_null, word, word_or_null

# Prices of a candle are of bid + ask, which is twice the mid and therefore whole.
candles = Table(
    "candles",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    number("open"),
    number("high"),
    number("low"),
    number("close"),
    number("ticks"),
    word("source"),
)
Index(None, candles.c.start)

prices = Table(
    "prices",
    metadata,
    Column("symbol", Text, primary_key=True),
    number_or_null("bid"),
    number_or_null("ask"),
    number_or_null("source_time"),
    number_or_null("accepted_at"),
    number_or_null("heard_at"),
    word_or_null("feed"),
    Column("feed_changed", Boolean, nullable=False),
    number_or_null("held_bid"),
    number_or_null("held_ask"),
    number_or_null("held_at"),
)

# Shard 0's feed; the row's only key is true.
feed = Table(
    "feed",
    metadata,
    Column("one", Boolean, primary_key=True),
    word("name"),
    word("run"),
    Column("live", Boolean, nullable=False),
    number("selected_at"),
    CheckConstraint("one", name="one"),
)

instruments = Table(
    "instruments",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    word("status"),
    number("tick_exponent"),
    number("lot_exponent"),
    number("tick_value"),
    number("quantity_min"),
    number("quantity_max"),
    number("leverage_min"),
    number("leverage_max"),
    number("fee_rate"),
    number("maintenance_rate"),
    number("margin_floor_rate"),
    number("liquidation_fee_rate"),
    number("slippage_bps"),
    number("spread_max"),
    number("jump_max"),
    number("notional_max"),
    number("account_notional_max"),
    number("side_notional_max"),
    number_or_null("open_age_max"),
    CheckConstraint("status IN ('open', 'close_only', 'halted')", name="status"),
)
