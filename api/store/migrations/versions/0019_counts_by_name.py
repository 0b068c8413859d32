"""Counts of requests by the name that every process has for a key, with the time at which they changed."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew: what it holds is worth minutes."""
    op.drop_table("request_counts", schema="auth")
    op.create_table(
        "request_counts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Index("request_counts_changed_at_idx", "changed_at"),
        schema="auth",
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    """Make it as it was."""
    op.drop_table("request_counts", schema="auth")
    op.create_table(
        "request_counts",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        schema="auth",
        prefixes=["UNLOGGED"],
    )
