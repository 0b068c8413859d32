"""The table of one-time tickets for WebSockets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "ws_tickets",
        sa.Column("ticket_hash", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_in_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ticket_hash", name="ws_tickets_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.user_id"], name="ws_tickets_user_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], [f"{SCHEMA}.sessions.session_id"], name="ws_tickets_session_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("ws_tickets_user_id_idx", "ws_tickets", ["user_id"], schema=SCHEMA)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("ws_tickets", schema=SCHEMA)
