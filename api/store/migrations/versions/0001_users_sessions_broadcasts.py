"""Users, their sessions, and what was said to every shard."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "auth"


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False, server_default="user"),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("account_opened", sa.Boolean, nullable=False, server_default=sa.text("false")),
        _now("created_at"),
        sa.PrimaryKeyConstraint("user_id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.UniqueConstraint("account_id", name="users_account_id_key"),
        sa.CheckConstraint("role IN ('user', 'admin')", name="users_role_check"),
        schema=SCHEMA,
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        _now("created_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name="sessions_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.user_id"], name="sessions_user_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("sessions_user_id_idx", "sessions", ["user_id"], schema=SCHEMA)
    op.create_index("sessions_expires_at_idx", "sessions", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "broadcasts",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("answered", sa.ARRAY(sa.Integer), nullable=False, server_default=sa.text("'{}'")),
        _now("created_at"),
        sa.PrimaryKeyConstraint("name", name="broadcasts_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("broadcasts", "sessions", "users"):
        op.drop_table(table, schema=SCHEMA)
