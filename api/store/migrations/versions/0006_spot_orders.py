"""Spot orders of seed 002's clients who have no keys of a venue: what was asked for, and why it was not sent."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "spot_orders",
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name="spot_orders_pkey"),
        schema=SCHEMA,
    )
    op.create_index("spot_orders_account_id_created_at_idx", "spot_orders", ["account_id", "created_at"], schema=SCHEMA)


def downgrade() -> None:
    """Drop it; what was executed is in the ledger."""
    op.drop_table("spot_orders", schema=SCHEMA)
