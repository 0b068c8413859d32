"""Auditors: users who read what administrators do, and write nothing."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "auth"
NAME = "users_role_check"


def upgrade() -> None:
    """Let a user be one."""
    op.drop_constraint(NAME, "users", schema=SCHEMA, type_="check")
    op.create_check_constraint(op.f(NAME), "users", "role IN ('user', 'admin', 'auditor')", schema=SCHEMA)


def downgrade() -> None:
    """Make them users again."""
    op.execute("UPDATE auth.users SET role = 'user' WHERE role = 'auditor'")
    op.drop_constraint(NAME, "users", schema=SCHEMA, type_="check")
    op.create_check_constraint(op.f(NAME), "users", "role IN ('user', 'admin')", schema=SCHEMA)
