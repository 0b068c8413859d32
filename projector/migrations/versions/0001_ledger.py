"""The tables of the projection as they first were."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE ledger.progress (
    shard INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    time BIGINT NOT NULL,
    current_at BIGINT NOT NULL,
    CONSTRAINT progress_pkey PRIMARY KEY (shard)
);

CREATE TABLE ledger.accounts (
    account_id TEXT NOT NULL,
    shard INTEGER NOT NULL,
    cash BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    used_margin BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    account_seq BIGINT NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
    CONSTRAINT accounts_books_check CHECK (balance = cash + used_margin)
);

CREATE TABLE ledger.positions (
    position_id TEXT NOT NULL,
    shard INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    opened_seq BIGINT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    entry_price BIGINT NOT NULL,
    entry_notional BIGINT NOT NULL,
    margin BIGINT NOT NULL,
    leverage BIGINT NOT NULL,
    fee_rate BIGINT NOT NULL,
    maintenance_rate BIGINT NOT NULL,
    margin_floor_rate BIGINT NOT NULL,
    liquidation_fee_rate BIGINT NOT NULL,
    liquidation_price BIGINT,
    stop_loss BIGINT,
    take_profit BIGINT,
    opened_at BIGINT NOT NULL,
    command_id TEXT,
    client_order_id TEXT,
    close_price BIGINT,
    realized_pnl BIGINT,
    close_reason TEXT,
    closed_at BIGINT,
    receipt_id TEXT,
    CONSTRAINT positions_pkey PRIMARY KEY (position_id),
    CONSTRAINT positions_status_check CHECK (status IN ('open', 'closed'))
);

CREATE INDEX positions_account_id_opened_seq_idx ON ledger.positions (account_id, opened_seq);

CREATE INDEX positions_open_idx ON ledger.positions (account_id, opened_seq) WHERE status = 'open';

CREATE TABLE ledger.fills (
    shard INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    time BIGINT NOT NULL,
    order_id TEXT,
    position_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    action TEXT NOT NULL,
    price BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    realized_pnl BIGINT,
    reason TEXT,
    CONSTRAINT fills_pkey PRIMARY KEY (shard, seq)
);

CREATE INDEX fills_account_id_seq_idx ON ledger.fills (account_id, seq);

CREATE TABLE ledger.ledger_entries (
    shard INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    line SMALLINT NOT NULL,
    account_id TEXT NOT NULL,
    time BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    position_id TEXT,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (shard, seq, line)
);

CREATE INDEX ledger_entries_account_id_seq_line_idx ON ledger.ledger_entries (account_id, seq, line);

CREATE TABLE ledger.commands (
    command_id TEXT NOT NULL,
    account_id TEXT,
    shard INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    type TEXT,
    status TEXT NOT NULL,
    rejection INTEGER,
    position_id TEXT,
    client_order_id TEXT,
    warnings TEXT[] NOT NULL,
    first_offset BIGINT NOT NULL,
    time BIGINT NOT NULL,
    command_hash BYTEA,
    CONSTRAINT commands_command_id_account_id_key UNIQUE NULLS NOT DISTINCT (command_id, account_id),
    CONSTRAINT commands_status_check CHECK ((status = 'rejected') = (rejection IS NOT NULL))
);

CREATE INDEX commands_client_order_id_idx
    ON ledger.commands (account_id, client_order_id) WHERE client_order_id IS NOT NULL;

CREATE TABLE ledger.receipts (
    event_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    event JSONB NOT NULL,
    CONSTRAINT receipts_pkey PRIMARY KEY (event_id)
);

CREATE TABLE ledger.candles (
    symbol TEXT NOT NULL,
    start BIGINT NOT NULL,
    open BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    close BIGINT NOT NULL,
    ticks BIGINT NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT candles_pkey PRIMARY KEY (symbol, start)
);

CREATE INDEX candles_start_idx ON ledger.candles (start);

CREATE TABLE ledger.prices (
    symbol TEXT NOT NULL,
    bid BIGINT,
    ask BIGINT,
    source_time BIGINT,
    accepted_at BIGINT,
    heard_at BIGINT,
    feed TEXT,
    feed_changed BOOLEAN NOT NULL,
    held_bid BIGINT,
    held_ask BIGINT,
    held_at BIGINT,
    CONSTRAINT prices_pkey PRIMARY KEY (symbol)
);

CREATE TABLE ledger.feed (
    one BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    run TEXT NOT NULL,
    live BOOLEAN NOT NULL,
    selected_at BIGINT NOT NULL,
    CONSTRAINT feed_pkey PRIMARY KEY (one),
    CONSTRAINT feed_one_check CHECK (one)
);

CREATE TABLE ledger.instruments (
    symbol TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    tick_exponent BIGINT NOT NULL,
    lot_exponent BIGINT NOT NULL,
    tick_value BIGINT NOT NULL,
    quantity_min BIGINT NOT NULL,
    quantity_max BIGINT NOT NULL,
    leverage_min BIGINT NOT NULL,
    leverage_max BIGINT NOT NULL,
    fee_rate BIGINT NOT NULL,
    maintenance_rate BIGINT NOT NULL,
    margin_floor_rate BIGINT NOT NULL,
    liquidation_fee_rate BIGINT NOT NULL,
    slippage_bps BIGINT NOT NULL,
    spread_max BIGINT NOT NULL,
    jump_max BIGINT NOT NULL,
    notional_max BIGINT NOT NULL,
    account_notional_max BIGINT NOT NULL,
    side_notional_max BIGINT NOT NULL,
    CONSTRAINT instruments_pkey PRIMARY KEY (symbol),
    CONSTRAINT instruments_status_check CHECK (status IN ('open', 'close_only', 'halted'))
);
"""


def upgrade() -> None:
    """Make them."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them; the events hold all that was in them."""
    for table in (
        "progress",
        "accounts",
        "positions",
        "fills",
        "ledger_entries",
        "commands",
        "receipts",
        "candles",
        "prices",
        "feed",
        "instruments",
    ):
        op.execute(f"DROP TABLE ledger.{table}")
