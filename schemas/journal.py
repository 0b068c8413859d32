"""How a line of the journal of sign-ins and administrators' acts is written, hashed and chained to the one before."""

from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

import msgspec

from schemas.ids import keyed_command_id

FIRST_HASH: Final = bytes(32)  # what the first line takes as the hash before it

# What begins the act of a line about what there was before the journal: its first lines, and no later one.
EXISTING: Final = "existing_"
# For how many days a session lasts at most, by the detail of its line, which one from before the journal has not.
DAYS_AT_MOST: Final = {"password": 90, "password, for a day": 1}

# profile: what the API was started with, in detail; signed_in: subject is the session, detail how; sign_in_refused:
# detail what the password was for; password_changed: by the user, who knew the one before. transfer_...: subject is the
# transfer; broadcast: subject is its name, detail the hash of its content.
JournalAct = Literal[
    "profile",
    "role_given",
    "signed_in",
    "sign_in_refused",
    "password_changed",
    "transfer_requested",
    "transfer_approved",
    "transfer_rejected",
    "broadcast",
]


class JournalLine(msgspec.Struct, frozen=True, array_like=True):
    """One line: who did what, and when (µs). It has ids only, so that no line is about a person once they are deleted.

    user_id: null where it is nobody's that is known.
    """

    number: int
    at: int
    act: str
    user_id: str | None
    subject: str | None
    detail: str | None


def line_hash(previous: bytes, line: JournalLine) -> bytes:
    """Give the hash a line must carry after the previous one's."""
    return sha256(previous + msgspec.json.encode(line)).digest()


def content_hash(content: object) -> str:
    """Give the hash of a broadcast's content, whatever order its fields are stored in."""
    return sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def transfer_detail(kind: str, account_id: str, amount: int, reason: str, approvals_needed: int) -> str:
    """Write what is asked for as the detail of its line; amount in micros."""
    return msgspec.json.encode([kind, account_id, amount, reason, approvals_needed]).decode()


def transfer_key(requested: str) -> str:
    """Give the key of the one command of a transfer. requested: as `requested_as` gives it.

    No client's key has a line feed.
    """
    return f"transfer\n{requested}"


def requested_as(transfer_id: UUID, line: bytes | None) -> str:
    """Give what a transfer's command is named after. line: the hash of the request's; null for one without."""
    return str(transfer_id) if line is None else line.hex()


def transfer_command_id(account_id: str, requested: str) -> str:
    """Give the id of the command that moves the money, by which the log says what was asked for, and by whom."""
    return keyed_command_id(account_id, transfer_key(requested))
