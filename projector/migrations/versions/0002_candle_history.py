"""The table of the minutes before a symbol's first candle."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ledger.candle_history (
    symbol TEXT NOT NULL,
    start BIGINT NOT NULL,
    open BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    close BIGINT NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT candle_history_pkey PRIMARY KEY (symbol, start)
)
"""


def upgrade() -> None:
    """Make it."""
    op.execute(TABLE)


def downgrade() -> None:
    """Drop it; the back-fill makes it again."""
    op.execute("DROP TABLE ledger.candle_history")
