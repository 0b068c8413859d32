"""Which API key a WebSocket's ticket is of: with the key it goes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Add the column."""
    op.add_column("ws_tickets", sa.Column("key_id", sa.Uuid, nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        "ws_tickets_key_id_fkey",
        "ws_tickets",
        "api_keys",
        ["key_id"],
        ["key_id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("ws_tickets", "key_id", schema=SCHEMA)
