"""Which tables say how accounts stand and what came of their commands, as the shards' events tell it.

An account lives in one shard, so `seq` orders all that is an account's.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    cast,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from projector.tables.columns import metadata, number, number_or_null, shard, word, word_or_null

# How far each shard has been read; written in the same transaction as the rows that follow from it.
progress = Table(
    "progress",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    number("next_offset"),
    number("seq"),
    Column("digest", LargeBinary, nullable=False),
    number("time"),  # log time of the last event
    number("current_at"),  # the projector's clock when it last held all that was committed; 0 before
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    shard(),
    number("cash"),
    number("balance"),
    number("used_margin"),
    number("opened_at"),
    number("account_seq"),
    CheckConstraint("balance = cash + used_margin", name="books"),
)
Index(None, accounts.c.opened_at, accounts.c.account_id)

# What the closes of each shard moved into its insurance fund and out of it, since the first; no row before a close.
insurance = Table(
    "insurance",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    number("received"),
    number("paid"),
    number("written_off"),
    CheckConstraint("received >= paid", name="fund"),
)

positions = Table(
    "positions",
    metadata,
    Column("position_id", Text, primary_key=True),
    shard(),
    word("account_id"),
    number("opened_seq"),
    word("symbol"),
    word("side"),
    word("status"),
    number("quantity"),
    number("entry_price"),
    number("entry_notional"),
    number("margin"),
    number("leverage"),
    number("fee_rate"),
    number("maintenance_rate"),
    number("margin_floor_rate"),
    number("liquidation_fee_rate"),
    number_or_null("liquidation_price"),
    number_or_null("stop_loss"),
    number_or_null("take_profit"),
    number("opened_at"),
    word_or_null("command_id"),
    word_or_null("client_order_id"),
    number_or_null("close_price"),
    number_or_null("realized_pnl"),
    word_or_null("close_reason"),
    number_or_null("closed_at"),
    word_or_null("receipt_id"),
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
    word("account_id"),
    number("time"),
    word_or_null("order_id"),
    word("position_id"),
    word("symbol"),
    word("side"),
    word("action"),
    number("price"),
    number("quantity"),
    number("fee"),
    number_or_null("realized_pnl"),
    word_or_null("reason"),
)
Index(None, fills.c.account_id, fills.c.seq)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    word("account_id"),
    number("time"),
    word("kind"),
    number("amount"),
    number("balance_after"),
    word_or_null("position_id"),
)
Index(None, ledger_entries.c.account_id, ledger_entries.c.seq, ledger_entries.c.line)

# One row per command id and account, with the outcome that counts; broadcasts have no account.
commands = Table(
    "commands",
    metadata,
    word("command_id"),
    word_or_null("account_id"),
    shard(),
    number("seq"),
    word_or_null("type"),
    word("status"),
    Column("rejection", Integer, nullable=True),
    word_or_null("position_id"),
    word_or_null("client_order_id"),
    Column("warnings", ARRAY(Text), nullable=False),
    number("first_offset"),
    number("time"),
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
    shard(),
    number("seq"),
    number("time"),
    word("type"),
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
    word("account_id"),
    Column("event", JSONB, nullable=False),
)
# Who closed at the same tick.
receipt_symbol = receipts.c.event["symbol"].astext
receipt_tick_time = cast(receipts.c.event["tick_source_time"].astext, BigInteger)
Index("receipts_tick_idx", receipt_symbol, receipt_tick_time)
