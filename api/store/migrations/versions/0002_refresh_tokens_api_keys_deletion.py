"""Refresh tokens, API keys and the nonces they used, and users who asked to be deleted."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _time(name: str, *, nullable: bool) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables, and the columns of users."""
    op.add_column("users", _time("deleted_at", nullable=True), schema=SCHEMA)
    op.add_column("users", _time("closed_at", nullable=True), schema=SCHEMA)
    op.create_index(
        "users_closing_idx",
        "users",
        ["deleted_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("deleted_at IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        _now("created_at"),
        _time("expires_at", nullable=False),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="refresh_tokens_pkey"),
        sa.ForeignKeyConstraint(
            ["session_id"], [f"{SCHEMA}.sessions.session_id"], name="refresh_tokens_session_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("refresh_tokens_session_id_idx", "refresh_tokens", ["session_id"], schema=SCHEMA)
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        _now("created_at"),
        _time("last_used_at", nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="api_keys_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.user_id"], name="api_keys_user_id_fkey", ondelete="CASCADE"
        ),
        sa.CheckConstraint("octet_length(public_key) = 32", name="api_keys_public_key_check"),
        sa.CheckConstraint("scopes <@ ARRAY['read', 'trade'] AND scopes <> '{}'", name="api_keys_scopes_check"),
        schema=SCHEMA,
    )
    op.create_index("api_keys_user_id_idx", "api_keys", ["user_id"], schema=SCHEMA)
    op.create_table(
        "api_key_nonces",
        sa.Column("key_id", sa.Uuid, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        _time("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("key_id", "nonce", name="api_key_nonces_pkey"),
        sa.ForeignKeyConstraint(
            ["key_id"], [f"{SCHEMA}.api_keys.key_id"], name="api_key_nonces_key_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("api_key_nonces_expires_at_idx", "api_key_nonces", ["expires_at"], schema=SCHEMA)


def downgrade() -> None:
    """Drop what was created."""
    for table in ("api_key_nonces", "api_keys", "refresh_tokens"):
        op.drop_table(table, schema=SCHEMA)
    op.drop_index("users_closing_idx", "users", schema=SCHEMA)
    for column in ("closed_at", "deleted_at"):
        op.drop_column("users", column, schema=SCHEMA)
