"""The table of each shard's insurance fund, and an index that lists accounts, the newest first."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ledger.insurance (
    shard INTEGER NOT NULL,
    received BIGINT NOT NULL,
    paid BIGINT NOT NULL,
    written_off BIGINT NOT NULL,
    CONSTRAINT insurance_pkey PRIMARY KEY (shard),
    CONSTRAINT insurance_fund_check CHECK (received >= paid)
);
CREATE INDEX accounts_opened_at_account_id_idx ON ledger.accounts (opened_at, account_id);
"""
# The receipts are the whole events of all closes there were; the shard stands in the event's name.
FILLED = """
INSERT INTO ledger.insurance
SELECT split_part(event_id, '-', 1)::INTEGER,
       sum((event ->> 'liquidation_fee')::BIGINT),
       sum((event ->> 'insurance_paid')::BIGINT),
       sum((event ->> 'written_off')::BIGINT)
FROM ledger.receipts
WHERE event ->> 'insurance_paid' IS NOT NULL
GROUP BY 1
"""


def upgrade() -> None:
    """Make them, with what the closes there were moved."""
    op.execute(TABLE)
    op.execute(FILLED)


def downgrade() -> None:
    """Drop them; the events hold all that was in them."""
    op.execute("DROP INDEX ledger.accounts_opened_at_account_id_idx")
    op.execute("DROP TABLE ledger.insurance")
