"""How old an instrument's price may be for an opening."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; null is what the rules say."""
    op.execute("ALTER TABLE ledger.instruments ADD COLUMN open_age_max BIGINT")


def downgrade() -> None:
    """Drop it; a rebuild of the tables from the log brings it back."""
    op.execute("ALTER TABLE ledger.instruments DROP COLUMN open_age_max")
