"""What the API's tables say of who asked for what: transfers, what was done to them, and broadcasts."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from runtime.times import micros_at
from schemas.plain_data import instruments_of
from schemas.sharding import shard_of

_TRANSFERS: Final = text(
    "SELECT transfer_id, kind, account_id, amount, reason, note, requested_by, approvals_needed, status, command_id, "
    "event_id, rejection, journal_hash FROM auth.transfers ORDER BY number"
)
_ACTS: Final = text("SELECT transfer_id, act, user_id, note FROM auth.transfer_acts ORDER BY transfer_id, number")
_BROADCASTS: Final = text("SELECT name, content, answered FROM auth.broadcasts ORDER BY created_at, name")
_BEGAN: Final = text("SELECT at FROM auth.journal ORDER BY number LIMIT 1")
_PROFILES: Final = text("SELECT at, detail FROM auth.journal WHERE act = 'profile' ORDER BY number")


class TransferRow(NamedTuple):
    """A transfer as the API stored it; amount in micros."""

    transfer_id: UUID
    kind: str
    account_id: str
    amount: int
    reason: str
    note: str | None
    requested_by: UUID
    approvals_needed: int
    status: str
    command_id: str
    event_id: str | None
    rejection: int | None
    journal_hash: bytes | None


class ActRow(NamedTuple):
    """Who did what to a transfer; null for the log."""

    act: str
    user_id: UUID | None
    note: str | None


class BroadcastRow(NamedTuple):
    """What was to be said to every shard, and which shards had answered."""

    name: str
    content: Any
    answered: list[int]


class StoredActs(NamedTuple):
    """What the API's tables say. began: since when each act has a line (µs), null where none has.

    profiles: with which one the API was started, and when (µs).
    """

    transfers: dict[str, TransferRow]
    acts: dict[UUID, list[ActRow]]
    broadcasts: dict[str, BroadcastRow]
    began: int | None
    profiles: list[tuple[int, str]]


def stored_acts(db: Connection, shard: int, shards: int) -> StoredActs:
    """Read what a shard's transfers are, and what was said to every shard."""
    rows = [TransferRow(*row) for row in db.execute(_TRANSFERS)]
    by_transfer = groupby(db.execute(_ACTS), key=lambda row: row.transfer_id)
    began = db.execute(_BEGAN).scalar_one_or_none()
    return StoredActs(
        {row.command_id: row for row in rows if shard_of(row.account_id, shards) == shard},
        {transfer_id: [ActRow(*row[1:]) for row in acts] for transfer_id, acts in by_transfer},
        {row.name: BroadcastRow(*row) for row in db.execute(_BROADCASTS)},
        None if began is None else micros_at(began),
        [(micros_at(at), profile) for at, profile in db.execute(_PROFILES)],
    )


def said_by_row(row: BroadcastRow) -> object:
    """Give what a broadcast says, by its row, whose name says of what kind it is."""
    kind = row.name.partition("-")[0]
    readers: dict[str, Callable[[], object]] = {
        "market": lambda: (row.content["symbol"], row.content["status"]),
        "rules": lambda: row.content["version"],
        "limits": lambda: row.content["positions_max"],
        "clock": lambda: "the broker's clock",
        "instruments": lambda: instruments_of(row.content),
    }
    try:
        return readers[kind]()
    except (LookupError, TypeError, msgspec.ValidationError) as error:
        return f"nothing that can be said to a shard: {error!r}"
