"""What every process of the API counts: requests in windows of time, and failed logins."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what they hold is worth minutes, and needs no log of PostgreSQL's."""
    op.create_table(
        "request_counts",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        schema="auth",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "failed_logins",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        schema="auth",
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("failed_logins", schema="auth")
    op.drop_table("request_counts", schema="auth")
