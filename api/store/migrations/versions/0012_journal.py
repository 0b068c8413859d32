"""The journal of sign-ins and administrators' acts: each line has a hash over the one before, and none is changed."""

import sqlalchemy as sa
from alembic import op

from runtime.times import micros_at
from schemas.journal import EXISTING, FIRST_HASH, JournalLine, content_hash, line_hash, transfer_detail

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "auth"

ROLES = sa.text("SELECT user_id, role FROM auth.users WHERE role <> 'user' ORDER BY user_id")
SESSIONS = sa.text("SELECT user_id, session_id::text FROM auth.sessions ORDER BY created_at, session_id")
TRANSFERS = sa.text(
    "SELECT requested_by, transfer_id::text, kind, account_id, amount, reason, approvals_needed FROM auth.transfers "
    "ORDER BY number"
)
DECISIONS = sa.text(
    "SELECT act, user_id, transfer_id::text FROM auth.transfer_acts WHERE act IN ('approved', 'rejected') "
    "ORDER BY number"
)
BROADCASTS = sa.text("SELECT name, content FROM auth.broadcasts ORDER BY created_at, name")
LINE = sa.text("INSERT INTO auth.journal VALUES (:number, :at, :act, :user_id, :subject, :detail, :hash)")


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
    _note_what_exists(op.get_bind())


def _note_what_exists(db: sa.Connection) -> None:
    """Begin the journal with what there is: of a later row without a line nobody can say it were older."""
    db.execute(
        sa.text("LOCK auth.users, auth.sessions, auth.transfers, auth.transfer_acts, auth.broadcasts IN EXCLUSIVE MODE")
    )
    at = db.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    said = [
        *(("role_given", user_id, None, role) for user_id, role in db.execute(ROLES)),
        *(("signed_in", user_id, session_id, None) for user_id, session_id in db.execute(SESSIONS)),
        *(("transfer_requested", row[0], row[1], transfer_detail(*row[2:])) for row in db.execute(TRANSFERS)),
        *((f"transfer_{act}", user_id, transfer_id, None) for act, user_id, transfer_id in db.execute(DECISIONS)),
        *(("broadcast", None, name, content_hash(content)) for name, content in db.execute(BROADCASTS)),
    ]
    hashed, lines = FIRST_HASH, []
    for number, (act, user_id, subject, detail) in enumerate(said, 1):
        author = None if user_id is None else str(user_id)
        line = JournalLine(number, micros_at(at), EXISTING + act, author, subject, detail)
        hashed = line_hash(hashed, line)
        lines.append(
            {
                "number": number,
                "at": at,
                "act": line.act,
                "user_id": user_id,
                "subject": subject,
                "detail": detail,
                "hash": hashed,
            }
        )
    if lines:
        db.execute(LINE, lines)


def downgrade() -> None:
    """Drop it, and with it who did what."""
    op.drop_column("transfers", "journal_hash", schema=SCHEMA)
    op.drop_column("broadcasts", "asked_by", schema=SCHEMA)
    op.drop_table("journal", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.refuse_change()")
