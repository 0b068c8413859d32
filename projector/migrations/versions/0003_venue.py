"""The tables of orders at an outside venue."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE ledger.venue_progress (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    CONSTRAINT venue_progress_pkey PRIMARY KEY (topic, partition)
);

CREATE TABLE ledger.venue_orders (
    account_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    status TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC,
    stop_price NUMERIC,
    time_in_force TEXT,
    venue_order_id BIGINT,
    executed_quantity NUMERIC NOT NULL,
    executed_quote NUMERIC NOT NULL,
    code TEXT,
    message TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT venue_orders_pkey PRIMARY KEY (account_id, order_id)
);
CREATE INDEX venue_orders_account_id_number_idx ON ledger.venue_orders (account_id, number);

CREATE TABLE ledger.venue_fills (
    partition INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    line INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    trade_id BIGINT NOT NULL,
    time BIGINT NOT NULL,
    price NUMERIC NOT NULL,
    quantity NUMERIC NOT NULL,
    commission NUMERIC NOT NULL,
    commission_asset TEXT NOT NULL,
    counts BOOLEAN NOT NULL,
    CONSTRAINT venue_fills_pkey PRIMARY KEY (partition, seq, line)
);
CREATE INDEX venue_fills_account_id_symbol_seq_line_idx ON ledger.venue_fills (account_id, symbol, seq, line);

CREATE TABLE ledger.venue_positions (
    account_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    cost NUMERIC NOT NULL,
    realized_pnl NUMERIC NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT venue_positions_pkey PRIMARY KEY (account_id, symbol)
);
"""


def upgrade() -> None:
    """Make them."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them; the log fills them again."""
    for table in ("venue_positions", "venue_fills", "venue_orders", "venue_progress"):
        op.execute(f"DROP TABLE ledger.{table}")
