"""The journal of sign-ins and administrators' acts: each line has a hash over the one before, and none is changed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Create the table, and the columns that lead to it."""
    op.create_table(
        "journal",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("subject", sa.Text, nullable=True),
        sa.Column("detail", sa.Text, nullable=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="journal_pkey"),
        schema=SCHEMA,
    )
    op.create_index("journal_subject_idx", "journal", ["subject"], schema=SCHEMA)
    # It keeps mistakes away, not who owns the database; for those there are the hashes.
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a line of the journal is never changed'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER journal_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.journal "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
    )
    op.add_column("broadcasts", sa.Column("asked_by", sa.Uuid, nullable=True), schema=SCHEMA)
    op.add_column("transfers", sa.Column("journal_hash", sa.LargeBinary, nullable=True), schema=SCHEMA)


def downgrade() -> None:
    """Drop it, and with it who did what."""
    op.drop_column("transfers", "journal_hash", schema=SCHEMA)
    op.drop_column("broadcasts", "asked_by", schema=SCHEMA)
    op.drop_table("journal", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.refuse_change()")
