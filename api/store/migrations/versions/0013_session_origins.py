"""With what and from where a session was begun, as its user is shown it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = "auth"


def upgrade() -> None:
    """Add both; of the sessions there are nobody knows."""
    op.add_column("sessions", sa.Column("device", sa.Text, nullable=True), schema=SCHEMA)
    op.add_column("sessions", sa.Column("network", sa.Text, nullable=True), schema=SCHEMA)


def downgrade() -> None:
    """Drop both."""
    op.drop_column("sessions", "network", schema=SCHEMA)
    op.drop_column("sessions", "device", schema=SCHEMA)
