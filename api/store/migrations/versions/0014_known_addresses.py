"""From where a user signed in before, as a keyed hash."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Make the table; of the sessions there are no address is known."""
    op.create_table(
        "known_addresses",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", "address_hash", name="known_addresses_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{SCHEMA}.users.user_id"], name="known_addresses_user_id_fkey", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("known_addresses", schema=SCHEMA)
