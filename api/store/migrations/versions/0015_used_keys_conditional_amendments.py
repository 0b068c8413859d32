"""For what each Idempotency-Key was used, and which amendment of a position by `If-Match` came last."""

import sqlalchemy as sa
from alembic import op

from schemas.ids import keyed_command_id

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = "auth"

CLOSE_ALLS = sa.text("SELECT account_id, key FROM auth.close_alls")
SPOT_ORDERS = sa.text("SELECT order_id FROM auth.spot_orders")
KEY = sa.text("INSERT INTO auth.used_keys (command_id, used_for) VALUES (:command_id, :used_for)")


def upgrade() -> None:
    """Make the tables; of the keys before, those are known that a row of its own names."""
    op.create_table(
        "used_keys",
        sa.Column("command_id", sa.Text, nullable=False),
        sa.Column("used_for", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("command_id", name="used_keys_pkey"),
        sa.CheckConstraint(
            "used_for IN ('command', 'close_all', 'spot_order', 'venue_order')", name="used_keys_used_for_check"
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "conditional_amendments",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("position_id", sa.Text, nullable=False),
        sa.Column("command_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("account_id", "position_id", name="conditional_amendments_pkey"),
        schema=SCHEMA,
    )
    db = op.get_bind()
    known = {str(order_id): "spot_order" for order_id in db.execute(SPOT_ORDERS).scalars()}
    known |= {keyed_command_id(account_id, key): "close_all" for account_id, key in db.execute(CLOSE_ALLS)}
    for command_id, used_for in known.items():
        db.execute(KEY, {"command_id": command_id, "used_for": used_for})


def downgrade() -> None:
    """Drop them."""
    op.drop_table("conditional_amendments", schema=SCHEMA)
    op.drop_table("used_keys", schema=SCHEMA)
