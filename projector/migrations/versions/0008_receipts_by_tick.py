"""An index by which the closes of one tick are found."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.execute(
        "CREATE INDEX receipts_tick_idx ON ledger.receipts ((event ->> 'symbol'), "
        "((event ->> 'tick_source_time')::BIGINT))"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX ledger.receipts_tick_idx")
