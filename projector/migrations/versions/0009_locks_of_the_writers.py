"""Functions by which the writers take their locks: their role in an instance's database takes no lock by a number."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LOCKS = {"hold_writes": 0x5245_5052_0002, "hold_history": 0x5245_5052_0003, "hold_venue": 0x5245_5052_0004}


def upgrade() -> None:
    """Make them, for their owner: who else takes them, is granted it."""
    for function, number in LOCKS.items():
        op.execute(
            f"CREATE FUNCTION ledger.{function}() RETURNS void LANGUAGE sql SECURITY DEFINER "
            f"BEGIN ATOMIC SELECT pg_advisory_xact_lock({number}); END"
        )
        op.execute(f"REVOKE EXECUTE ON FUNCTION ledger.{function}() FROM PUBLIC")


def downgrade() -> None:
    """Drop them."""
    for function in LOCKS:
        op.execute(f"DROP FUNCTION ledger.{function}()")
