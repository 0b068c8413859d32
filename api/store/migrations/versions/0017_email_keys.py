"""What all spellings of an email share that differ in case only, by which users are found."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = "auth"

EMAILS = sa.text("SELECT user_id, email FROM auth.users WHERE deleted_at IS NULL")
KEY = sa.text("UPDATE auth.users SET email_key = :key WHERE user_id = :user_id")


def upgrade() -> None:
    """Add it; two users whose spellings share one keep their emails, and are found by their own bytes."""
    op.add_column("users", sa.Column("email_key", sa.Text, nullable=True), schema=SCHEMA)
    db = op.get_bind()
    keys = [{"user_id": user_id, "key": key_of(email)} for user_id, email in db.execute(EMAILS)]
    if keys:
        db.execute(KEY, keys)
    op.create_index("users_email_key_idx", "users", ["email_key"], schema=SCHEMA)


def downgrade() -> None:
    """Drop it."""
    op.drop_column("users", "email_key", schema=SCHEMA)


def key_of(email: str) -> str:
    """Match without case and as canonically the same: Unicode's D145."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", email).casefold())
