"""Users' sealed keys of an outside venue."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "venue_keys",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("key_id", sa.Uuid, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", name="venue_keys_pkey"),
        sa.UniqueConstraint("key_id", name="venue_keys_key_id_key"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.user_id"], name="venue_keys_user_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop the table; the keys are gone."""
    op.drop_table("venue_keys", schema=SCHEMA)
