"""The table of each account's events, and an index that finds an account's orders."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Events projected before this table was there are not in it; a rebuild brings them in.
TABLES = """
CREATE TABLE ledger.account_events (
    account_id TEXT NOT NULL,
    account_seq BIGINT NOT NULL,
    shard INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    time BIGINT NOT NULL,
    type TEXT NOT NULL,
    event JSONB NOT NULL,
    CONSTRAINT account_events_pkey PRIMARY KEY (account_id, account_seq)
);
CREATE INDEX account_events_openings_idx ON ledger.account_events (account_id, seq) WHERE type = 'PositionOpened';
CREATE INDEX commands_orders_idx ON ledger.commands (account_id, seq) WHERE type = 'OpenPosition';
"""


def upgrade() -> None:
    """Make them."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them; the events hold all that was in them."""
    op.execute("DROP INDEX ledger.commands_orders_idx")
    op.execute("DROP TABLE ledger.account_events")
