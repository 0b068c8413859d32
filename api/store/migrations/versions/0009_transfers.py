"""Money in and out by administrators, and at users' wish: what is asked of the log, by whom, and what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "transfers",
        sa.Column("transfer_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("approvals_needed", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("command_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=True),
        sa.Column("rejection", sa.Integer, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("transfer_id", name="transfers_pkey"),
        sa.UniqueConstraint("command_id", name="transfers_command_id_key"),
        sa.UniqueConstraint("number", name="transfers_number_key"),
        sa.CheckConstraint("kind IN ('deposit', 'withdrawal')", name="transfers_kind_check"),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'done', 'refused')", name="transfers_status_check"
        ),
        sa.CheckConstraint("(status = 'refused') = (rejection IS NOT NULL)", name="transfers_rejection_check"),
        schema=SCHEMA,
    )
    op.create_index("transfers_account_id_number_idx", "transfers", ["account_id", "number"], schema=SCHEMA)
    op.create_table(
        "transfer_acts",
        sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("transfer_id", sa.Uuid, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("number", name="transfer_acts_pkey"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], [f"{SCHEMA}.transfers.transfer_id"], name="transfer_acts_transfer_id_fkey"
        ),
        sa.CheckConstraint(
            "act IN ('requested', 'approved', 'rejected', 'done', 'refused')", name="transfer_acts_act_check"
        ),
        schema=SCHEMA,
    )
    op.create_index("transfer_acts_transfer_id_idx", "transfer_acts", ["transfer_id"], schema=SCHEMA)
    op.create_index(
        "transfer_acts_once_idx",
        "transfer_acts",
        ["transfer_id", "act", sa.text("coalesce(user_id, '00000000-0000-0000-0000-000000000000')")],
        unique=True,
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop them; the log keeps what was executed."""
    op.drop_table("transfer_acts", schema=SCHEMA)
    op.drop_table("transfers", schema=SCHEMA)
