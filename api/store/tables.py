"""Which tables the API owns: schema `auth`, not derived from the log, and so backed up.

Longer than 300 lines because each table stands beside the others.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA: Final = "auth"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    },
)

# Emails are stored in lower case. email_key: what all spellings of one share (`users.emails`); two users have the same
# where versions before stored both, and who is deleted has none. account_opened: the outcome of OpenAccount was seen.
# deleted_at: the user asked for it, and of who they were nothing is left in the row; closed_at: none of their positions
# is open any more.
users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("email_key", Text, nullable=True, index=True),
    Column("name", Text, nullable=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="user"),
    Column("account_id", Text, nullable=False, unique=True),
    Column("account_opened", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True), nullable=True),
    Column("closed_at", DateTime(timezone=True), nullable=True),
    CheckConstraint("role IN ('user', 'admin', 'auditor')", name="role"),
    Index("users_closing_idx", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL AND closed_at IS NULL")),
)

# One row per login; a token is worth what its session is. A session is the family of its refresh tokens. device,
# network: with what and from where it was begun, as far as that is kept (`auth.origins`).
sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.user_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    Column("device", Text, nullable=True),
    Column("network", Text, nullable=True),
)

# From where a user signed in before, each as a keyed hash of the user and the address: who guesses passwords elsewhere
# does not keep them out.
known_addresses = Table(
    "known_addresses",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# One row per refresh token, by its SHA-256: a used one is kept while it could be played again.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey(sessions.c.session_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=True),
)

# Ed25519 public keys: what can be stolen here signs nothing.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.user_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_used_at", DateTime(timezone=True), nullable=True),
    CheckConstraint("octet_length(public_key) = 32", name="public_key"),
    CheckConstraint("scopes <@ ARRAY['read', 'trade'] AND scopes <> '{}'", name="scopes"),
)

# What a key has signed with already, for as long as the signature could still be believed.
api_key_nonces = Table(
    "api_key_nonces",
    metadata,
    Column("key_id", Uuid, ForeignKey(api_keys.c.key_id, ondelete="CASCADE"), primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

# A user's keys of the outside venue, sealed for this user and this key id; nobody but the venue worker opens them.
venue_keys = Table(
    "venue_keys",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("key_id", Uuid, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# One-time tickets for WebSockets, by their SHA-256; a used one is gone. A session asked for it or an API key did.
# signed_in_until: when whoever opened the socket with it must have signed in again.
ws_tickets = Table(
    "ws_tickets",
    metadata,
    Column("ticket_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.user_id, ondelete="CASCADE"), nullable=False, index=True),
    Column("session_id", Uuid, ForeignKey(sessions.c.session_id, ondelete="CASCADE"), nullable=True),
    Column("key_id", Uuid, ForeignKey(api_keys.c.key_id, ondelete="CASCADE"), nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("signed_in_until", DateTime(timezone=True), nullable=False),
)

# What is to be said to every shard, stored before it is first sent. answered: the shards that did. asked_by: null where
# no administrator did, as for what a ledger begins with.
broadcasts = Table(
    "broadcasts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content", JSONB, nullable=False),
    Column("answered", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("asked_by", Uuid, nullable=True),
)

# Which positions a request to close them all meant, by its Idempotency-Key: the same again means no others.
close_alls = Table(
    "close_alls",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("position_ids", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# For what an Idempotency-Key was used, by the command id that is made of it: for one thing, and whoever stores it first
# says for which. content: a digest of what was asked for, where neither the log nor a table refuses another content.
used_keys = Table(
    "used_keys",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("used_for", Text, nullable=False),
    Column("content", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("used_for IN ('command', 'close_all', 'spot_order', 'venue_order')", name="used_for"),
)

# How many requests of a name there were in a window of time, in all processes. number: windows of its length (s) since
# 1970.
request_counts = Table(
    "request_counts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("request_counts_changed_at_idx", "changed_at"),
    prefixes=["UNLOGGED"],
)

# How many logins failed, or are not decided, of an account or at an address, since the first of them.
failed_logins = Table(
    "failed_logins",
    metadata,
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

# Which command amended a position last by `If-Match`: another one follows it, once it is decided, and only one does.
conditional_amendments = Table(
    "conditional_amendments",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("position_id", Text, primary_key=True),
    Column("command_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# Spot orders of seed 002's clients without keys of a venue, by the command that executes them: what was asked for (the
# ledger keeps of what it refuses only the refusal), and why it was not sent at all. created_at: microseconds.
spot_orders = Table(
    "spot_orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("price", Text, nullable=True),
    Column("error", Text, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Index("spot_orders_account_id_created_at_idx", "account_id", "created_at"),
)

# What seed 004's clients said with an order, by the command that executes it: the price their page showed and the
# slippage its form sent, in their digits. They are shown again and guard nothing.
client_prices = Table(
    "client_prices",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("price", Text, nullable=True),
    Column("slippage", Text, nullable=True),
)

# Money that comes in or goes out by an administrator, or at a user's wish: what the log is asked for is written here
# first. approvals_needed: of other people than requested_by. command_id: of the Deposit or Withdraw; rejection: the
# number of the log's refusal. journal_hash: of the line that says what was asked for, of which command_id is made; null
# in rows older than the journal. Rows are kept when a user is deleted: they are the books' other half.
transfers = Table(
    "transfers",
    metadata,
    Column("transfer_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=True),
    Column("requested_by", Uuid, nullable=False),
    Column("approvals_needed", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("command_id", Text, nullable=False, unique=True),
    Column("event_id", Text, nullable=True),
    Column("rejection", Integer, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("number", BigInteger, Identity(), nullable=False, unique=True),
    Column("journal_hash", LargeBinary, nullable=True),
    CheckConstraint("kind IN ('deposit', 'withdrawal')", name="kind"),
    CheckConstraint("status IN ('pending', 'approved', 'rejected', 'done', 'refused')", name="status"),
    CheckConstraint("(status = 'refused') = (rejection IS NOT NULL)", name="rejection"),
    Index("transfers_account_id_number_idx", "account_id", "number"),
)

# Who did what to a transfer, and when; nothing is ever changed here.
transfer_acts = Table(
    "transfer_acts",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("transfer_id", Uuid, ForeignKey(transfers.c.transfer_id), nullable=False, index=True),
    Column("act", Text, nullable=False),
    Column("user_id", Uuid, nullable=True),
    Column("note", Text, nullable=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("act IN ('requested', 'approved', 'rejected', 'done', 'refused')", name="act"),
    Index(
        "transfer_acts_once_idx",
        "transfer_id",
        "act",
        text("coalesce(user_id, '00000000-0000-0000-0000-000000000000')"),
        unique=True,
    ),
)

# Who signed in, and what administrators did: lines are added and never changed, which a trigger holds to, and each has
# a hash over the one before (`schemas.journal`). It has ids only, and is kept when a user is deleted.
journal = Table(
    "journal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("act", Text, nullable=False),
    Column("user_id", Uuid, nullable=True),
    Column("subject", Text, nullable=True, index=True),
    Column("detail", Text, nullable=True),
    Column("hash", LargeBinary, nullable=False),
)

# From which price (digits) an order of seeds 000 and 001 with a slippage is guarded, by the command that executes it:
# the one when its key first came, so that the same request is the same command again.
guard_prices = Table(
    "guard_prices",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("price", Text, nullable=False),
)
