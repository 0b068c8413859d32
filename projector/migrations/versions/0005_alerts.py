"""The table of price alerts."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE ledger.alerts (
    alert_id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    account_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    direction TEXT NOT NULL,
    price BIGINT NOT NULL,
    note TEXT,
    created_at BIGINT NOT NULL,
    from_seq BIGINT NOT NULL,
    triggered_seq BIGINT,
    triggered_at BIGINT,
    triggered_mid BIGINT,
    CONSTRAINT alerts_pkey PRIMARY KEY (alert_id),
    CONSTRAINT alerts_direction_check CHECK (direction IN ('above', 'below')),
    CONSTRAINT alerts_triggered_check CHECK (num_nulls(triggered_seq, triggered_at, triggered_mid) IN (0, 3))
);
CREATE INDEX alerts_account_id_number_idx ON ledger.alerts (account_id, number);
CREATE INDEX alerts_active_idx ON ledger.alerts (account_id, number) WHERE triggered_seq IS NULL;
CREATE INDEX alerts_waiting_idx ON ledger.alerts (symbol, direction, price) WHERE triggered_seq IS NULL;
CREATE INDEX alerts_triggered_idx ON ledger.alerts (triggered_seq, number) WHERE triggered_seq IS NOT NULL;
"""


def upgrade() -> None:
    """Make it."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop it; nothing brings back what users asked for."""
    op.execute("DROP TABLE ledger.alerts")
