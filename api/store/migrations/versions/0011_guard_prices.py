"""From which price each order with a slippage and a key is guarded: the one it was first sent at."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "guard_prices",
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "symbol", "side", name="guard_prices_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop it; an order that comes again under its key is then another one, and refused."""
    op.drop_table("guard_prices", schema=SCHEMA)
