"""Functions by which the API takes its locks: its role in an instance's database takes no lock by a number."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LOCKS = {
    "hold_journal()": "hashtext('reprise.auth.journal')",
    "hold_count(whose text)": "hashtext('reprise.auth.counts'), hashtext(whose)",
    "hold_email(email_key text)": "hashtext('reprise.auth.emails'), hashtext(email_key)",
}


def upgrade() -> None:
    """Make them, for their owner: who else takes them, is granted it."""
    for function, key in LOCKS.items():
        op.execute(
            f"CREATE FUNCTION auth.{function} RETURNS void LANGUAGE sql SECURITY DEFINER "
            f"BEGIN ATOMIC SELECT pg_advisory_xact_lock({key}); END"
        )
        op.execute(f"REVOKE EXECUTE ON FUNCTION auth.{function} FROM PUBLIC")


def downgrade() -> None:
    """Drop them."""
    for function in LOCKS:
        op.execute(f"DROP FUNCTION auth.{function}")
