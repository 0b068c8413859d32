"""What seed 004's clients say with an order: the price and the slippage their page showed, which guard nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "client_prices",
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=True),
        sa.Column("slippage", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("order_id", name="client_prices_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop it; nothing was executed by it."""
    op.drop_table("client_prices", schema=SCHEMA)
