"""Which tables the ledger has in PostgreSQL: schema `ledger`, derived from the events but for those of `KEPT`.

Integers are the ledger's own units: money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in
hundredths, times in microseconds UTC. An account lives in one shard, so `seq` orders all that is an account's.
"""

from decimal import Decimal
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA: Final = "ledger"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _number_or_null(name: str) -> Column[int | None]:
    return Column(name, BigInteger, nullable=True)


def _word(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _word_or_null(name: str) -> Column[str | None]:
    return Column(name, Text, nullable=True)


def _decimal(name: str) -> Column[Decimal]:
    return Column(name, Numeric, nullable=False)


def _decimal_or_null(name: str) -> Column[Decimal | None]:
    return Column(name, Numeric, nullable=True)


def _shard() -> Column[int]:
    return Column("shard", Integer, nullable=False)


# How far each shard has been read; written in the same transaction as the rows that follow from it.
progress = Table(
    "progress",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    _number("next_offset"),
    _number("seq"),
    Column("digest", LargeBinary, nullable=False),
    _number("time"),  # log time of the last event
    _number("current_at"),  # the projector's clock when it last held all that was committed; 0 before
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    _shard(),
    _number("cash"),
    _number("balance"),
    _number("used_margin"),
    _number("opened_at"),
    _number("account_seq"),
    CheckConstraint("balance = cash + used_margin", name="books"),
)

positions = Table(
    "positions",
    metadata,
    Column("position_id", Text, primary_key=True),
    _shard(),
    _word("account_id"),
    _number("opened_seq"),
    _word("symbol"),
    _word("side"),
    _word("status"),
    _number("quantity"),
    _number("entry_price"),
    _number("entry_notional"),
    _number("margin"),
    _number("leverage"),
    _number("fee_rate"),
    _number("maintenance_rate"),
    _number("margin_floor_rate"),
    _number("liquidation_fee_rate"),
    _number_or_null("liquidation_price"),
    _number_or_null("stop_loss"),
    _number_or_null("take_profit"),
    _number("opened_at"),
    _word_or_null("command_id"),
    _word_or_null("client_order_id"),
    _number_or_null("close_price"),
    _number_or_null("realized_pnl"),
    _word_or_null("close_reason"),
    _number_or_null("closed_at"),
    _word_or_null("receipt_id"),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
)
Index(None, positions.c.account_id, positions.c.opened_seq)
Index(
    "positions_open_idx", positions.c.account_id, positions.c.opened_seq, postgresql_where=positions.c.status == "open"
)

fills = Table(
    "fills",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _word("account_id"),
    _number("time"),
    _word_or_null("order_id"),
    _word("position_id"),
    _word("symbol"),
    _word("side"),
    _word("action"),
    _number("price"),
    _number("quantity"),
    _number("fee"),
    _number_or_null("realized_pnl"),
    _word_or_null("reason"),
)
Index(None, fills.c.account_id, fills.c.seq)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    _word("account_id"),
    _number("time"),
    _word("kind"),
    _number("amount"),
    _number("balance_after"),
    _word_or_null("position_id"),
)
Index(None, ledger_entries.c.account_id, ledger_entries.c.seq, ledger_entries.c.line)

# One row per command id and account, with the outcome that counts; broadcasts have no account.
commands = Table(
    "commands",
    metadata,
    _word("command_id"),
    _word_or_null("account_id"),
    _shard(),
    _number("seq"),
    _word_or_null("type"),
    _word("status"),
    Column("rejection", Integer, nullable=True),
    _word_or_null("position_id"),
    _word_or_null("client_order_id"),
    Column("warnings", ARRAY(Text), nullable=False),
    _number("first_offset"),
    _number("time"),
    Column("command_hash", LargeBinary, nullable=True),
    UniqueConstraint("command_id", "account_id", postgresql_nulls_not_distinct=True),
    CheckConstraint("(status = 'rejected') = (rejection IS NOT NULL)", name="status"),
)
Index(
    "commands_client_order_id_idx",
    commands.c.account_id,
    commands.c.client_order_id,
    postgresql_where=commands.c.client_order_id.is_not(None),
)
Index(
    "commands_orders_idx",
    commands.c.account_id,
    commands.c.seq,
    postgresql_where=commands.c.type == "OpenPosition",
)

# Each event that counts in an account's own sequence, as JSON in the ledger's units: the account's history.
account_events = Table(
    "account_events",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("account_seq", BigInteger, primary_key=True, autoincrement=False),
    _shard(),
    _number("seq"),
    _number("time"),
    _word("type"),
    Column("event", JSONB, nullable=False),
)
Index(
    "account_events_openings_idx",
    account_events.c.account_id,
    account_events.c.seq,
    postgresql_where=account_events.c.type == "PositionOpened",
)

# The whole closing event, as JSON; it is the receipt.
receipts = Table(
    "receipts",
    metadata,
    Column("event_id", Text, primary_key=True),
    _word("account_id"),
    Column("event", JSONB, nullable=False),
)

# Prices of a candle are of bid + ask, which is twice the mid and therefore whole.
candles = Table(
    "candles",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    _number("open"),
    _number("high"),
    _number("low"),
    _number("close"),
    _number("ticks"),
    _word("source"),
)
Index(None, candles.c.start)

# Minutes before a symbol's first candle, of a source of their own; no event tells them. None has a tick of ours.
candle_history = Table(
    "candle_history",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    _number("open"),
    _number("high"),
    _number("low"),
    _number("close"),
    _word("source"),
)

prices = Table(
    "prices",
    metadata,
    Column("symbol", Text, primary_key=True),
    _number_or_null("bid"),
    _number_or_null("ask"),
    _number_or_null("source_time"),
    _number_or_null("accepted_at"),
    _number_or_null("heard_at"),
    _word_or_null("feed"),
    Column("feed_changed", Boolean, nullable=False),
    _number_or_null("held_bid"),
    _number_or_null("held_ask"),
    _number_or_null("held_at"),
)

# Shard 0's feed; the row's only key is true.
feed = Table(
    "feed",
    metadata,
    Column("one", Boolean, primary_key=True),
    _word("name"),
    _word("run"),
    Column("live", Boolean, nullable=False),
    _number("selected_at"),
    CheckConstraint("one", name="one"),
)

instruments = Table(
    "instruments",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    _word("status"),
    _number("tick_exponent"),
    _number("lot_exponent"),
    _number("tick_value"),
    _number("quantity_min"),
    _number("quantity_max"),
    _number("leverage_min"),
    _number("leverage_max"),
    _number("fee_rate"),
    _number("maintenance_rate"),
    _number("margin_floor_rate"),
    _number("liquidation_fee_rate"),
    _number("slippage_bps"),
    _number("spread_max"),
    _number("jump_max"),
    _number("notional_max"),
    _number("account_notional_max"),
    _number("side_notional_max"),
    CheckConstraint("status IN ('open', 'close_only', 'halted')", name="status"),
)

# Users make and delete them; the projector triggers them, each once. from_seq: of shard 0, whose events after it count;
# triggered_mid: bid + ask, the furthest within the tick that reached the price. created_at: the API's clock.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    _word("account_id"),
    _word("symbol"),
    _word("direction"),
    _number("price"),
    _word_or_null("note"),
    _number("created_at"),
    _number("from_seq"),
    _number_or_null("triggered_seq"),
    _number_or_null("triggered_at"),
    _number_or_null("triggered_mid"),
    CheckConstraint("direction IN ('above', 'below')", name="direction"),
    CheckConstraint("num_nulls(triggered_seq, triggered_at, triggered_mid) IN (0, 3)", name="triggered"),
)
Index(None, alerts.c.account_id, alerts.c.number)
Index("alerts_active_idx", alerts.c.account_id, alerts.c.number, postgresql_where=alerts.c.triggered_seq.is_(None))
Index(
    "alerts_waiting_idx",
    alerts.c.symbol,
    alerts.c.direction,
    alerts.c.price,
    postgresql_where=alerts.c.triggered_seq.is_(None),
)
Index(
    "alerts_triggered_idx",
    alerts.c.triggered_seq,
    alerts.c.number,
    postgresql_where=alerts.c.triggered_seq.is_not(None),
)

# What no event would bring back: a rebuild leaves it, and the audit has nothing to compare it with.
KEPT: Final = (candle_history, alerts)

# What a rebuild empties, and the log fills again.
DERIVED: Final = tuple(table for table in metadata.sorted_tables if table not in KEPT)

# From here on what follows from `venue.commands` and `venue.events`: no part of the ledger, and of no shard of it.
# Amounts are the venue's decimals. How far each partition has been read, in the transaction of its rows:
venue_progress = Table(
    "venue_progress",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    _number("next_offset"),
    _number("seq"),  # of events; 0 of commands
)

venue_orders = Table(
    "venue_orders",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    _word("status"),
    _word("symbol"),
    _word("side"),
    _word("type"),
    _decimal("quantity"),
    _decimal_or_null("price"),
    _decimal_or_null("stop_price"),
    _word_or_null("time_in_force"),
    _number_or_null("venue_order_id"),
    _decimal("executed_quantity"),
    _decimal("executed_quote"),
    _word_or_null("code"),
    _word_or_null("message"),
    _number("created_at"),
    _number("updated_at"),
)
Index(None, venue_orders.c.account_id, venue_orders.c.number)

# counts: false once a reset of the venue has undone it.
venue_fills = Table(
    "venue_fills",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _word("account_id"),
    _word("order_id"),
    _word("symbol"),
    _word("side"),
    _number("trade_id"),
    _number("time"),
    _decimal("price"),
    _decimal("quantity"),
    _decimal("commission"),
    _word("commission_asset"),
    Column("counts", Boolean, nullable=False),
)
Index(None, venue_fills.c.account_id, venue_fills.c.symbol, venue_fills.c.seq, venue_fills.c.line)

# quantity: net, negative where more was sold than bought; cost: what the open part was entered at, in all.
venue_positions = Table(
    "venue_positions",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    _decimal("quantity"),
    _decimal("cost"),
    _decimal("realized_pnl"),
    _number("updated_at"),
)

VENUE: Final = (venue_progress, venue_orders, venue_fills, venue_positions)
