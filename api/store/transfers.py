"""What is stored of money that comes in and goes out: each transfer, and who did what to it.

What somebody does (`add`, `approve`, `reject`) is several statements with a line of the journal, for a transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from api.store import journal
from api.store.tables import journal as lines
from api.store.tables import transfer_acts, transfers, users
from schemas.journal import EXISTING, requested_as, transfer_command_id, transfer_detail

TransferKind = Literal["deposit", "withdrawal"]
TransferStatus = Literal["pending", "approved", "rejected", "done", "refused"]
Act = Literal["requested", "approved", "rejected", "done", "refused"]


class Transfer(NamedTuple):
    """Money that comes in or goes out; amount in micros. number: in the order in which they were asked for."""

    transfer_id: UUID
    kind: TransferKind
    account_id: str
    amount: int
    reason: str
    note: str | None
    requested_by: UUID
    approvals_needed: int
    status: TransferStatus
    command_id: str
    event_id: str | None
    rejection: int | None
    created_at: datetime
    number: int
    journal_hash: bytes | None


class TransferAct(NamedTuple):
    """Who did what to a transfer. email: null for the log, and where the user was deleted."""

    act: Act
    user_id: UUID | None
    email: str | None
    note: str | None
    at: datetime


_DECISIONS: Final = ("transfer_approved", "transfer_rejected")
_COLUMNS: Final = [transfers.c[name] for name in Transfer._fields]


def add(db: Connection, values: dict[str, Any]) -> Transfer:
    """Store a transfer with its first act and its line, unless one of its id is; give what counts under that id.

    The command's id is made of the line's hash: by it the log says who asked for what, and all that came before.
    """
    journal.lock(db)
    transfer_id, author = values["transfer_id"], values["requested_by"]
    found = find(db, transfer_id)
    if found is None:
        said = {name: values[name] for name in ("kind", "account_id", "amount", "reason", "approvals_needed")}
        hashed = journal.append(db, "transfer_requested", author, str(transfer_id), transfer_detail(**said))
        command_id = transfer_command_id(values["account_id"], hashed.hex())
        stored = insert(transfers).values(**values, command_id=command_id, journal_hash=hashed)
        _then_note(db, stored.returning(transfers.c.transfer_id), "requested", author, values["note"])
        found = find(db, transfer_id)
    assert found is not None, "it was stored above"
    return found


def find(db: Connection, transfer_id: UUID, account_id: str | None = None) -> Transfer | None:
    """Give one transfer; account_id: of this account alone."""
    query = select(*_COLUMNS).where(transfers.c.transfer_id == transfer_id)
    if account_id is not None:
        query = query.where(transfers.c.account_id == account_id)
    row = db.execute(query).one_or_none()
    return None if row is None else Transfer(*row)


def page(
    db: Connection,
    *,
    account_id: str | None,
    kind: TransferKind | None,
    status: TransferStatus | None,
    limit: int,
    before: int | None,
) -> list[Transfer]:
    """List transfers, newest first."""
    columns = transfers.c
    query: Select[Any] = select(*_COLUMNS)
    for column, wanted in ((columns.account_id, account_id), (columns.kind, kind), (columns.status, status)):
        query = query if wanted is None else query.where(column == wanted)
    query = query if before is None else query.where(columns.number < before)
    return [Transfer(*row) for row in db.execute(query.order_by(columns.number.desc()).limit(limit + 1))]


def approved(db: Connection) -> list[Transfer]:
    """List transfers that are on their way into the log, the oldest first."""
    query = select(*_COLUMNS).where(transfers.c.status == "approved").order_by(transfers.c.number)
    return [Transfer(*row) for row in db.execute(query)]


def acts(db: Connection, transfer_ids: Sequence[UUID]) -> dict[UUID, list[TransferAct]]:
    """Give what was done to transfers, the first act first."""
    columns = transfer_acts.c
    query = (
        select(columns.transfer_id, columns.act, columns.user_id, users.c.email, columns.note, columns.at)
        .join_from(transfer_acts, users, users.c.user_id == columns.user_id, isouter=True)
        .where(columns.transfer_id.in_(transfer_ids))
        .order_by(columns.number)
    )
    found: dict[UUID, list[TransferAct]] = {one: [] for one in transfer_ids}
    for transfer_id, *act in db.execute(query):
        found[transfer_id].append(TransferAct(*act))
    return found


def is_in_journal(db: Connection, transfer: Transfer) -> bool:
    """Say whether the journal's lines tell of its request as it is, and of the approvals it needs.

    What the rows say alone is not enough to move money: who can write to the tables could have written them.
    """
    first = "transfer_requested" if transfer.journal_hash is not None else f"{EXISTING}transfer_requested"
    columns = lines.c
    found = db.execute(
        select(columns.act, columns.user_id, columns.detail, columns.hash)
        .where(columns.subject == str(transfer.transfer_id))
        .order_by(columns.number)
    ).all()
    said = (transfer.kind, transfer.account_id, transfer.amount, transfer.reason, transfer.approvals_needed)
    requests = [(line.user_id, line.detail) for line in found if line.act == first]
    hashes = [line.hash for line in found if line.act == "transfer_requested"]
    acts_of = {act: {line.user_id for line in found if line.act.removeprefix(EXISTING) == act} for act in _DECISIONS}
    approvers = acts_of["transfer_approved"] - {transfer.requested_by, None}
    requested = requested_as(transfer.transfer_id, transfer.journal_hash)
    return (
        requests == [(transfer.requested_by, transfer_detail(*said))]
        and hashes == ([] if transfer.journal_hash is None else [transfer.journal_hash])
        and transfer.command_id == transfer_command_id(transfer.account_id, requested)
        and len(approvers) >= transfer.approvals_needed
        and not acts_of["transfer_rejected"]
    )


def approve(db: Connection, transfer_id: UUID, user_id: UUID, note: str | None) -> None:
    """Note an approval of one that is pending, once a user; the last one that was needed makes it approved."""
    journal.lock(db)  # Of two at the same moment the second one counts the first's, and none follows an end.
    columns = transfer_acts.c
    given = select(
        transfers.c.transfer_id,
        literal("approved"),
        literal(user_id, columns.user_id.type),
        literal(note, columns.note.type),
    ).where(transfers.c.transfer_id == transfer_id, transfers.c.status == "pending")
    names = ["transfer_id", "act", "user_id", "note"]
    approval = insert_or_skip(transfer_acts).from_select(names, given).on_conflict_do_nothing()
    if db.execute(approval.returning(columns.number)).first() is None:
        return
    enough = select(func.count()).where(
        transfer_acts.c.transfer_id == transfer_id,
        transfer_acts.c.act == "approved",
    )
    is_pending = (transfers.c.transfer_id == transfer_id) & (transfers.c.status == "pending")
    db.execute(
        update(transfers)
        .where(is_pending, enough.scalar_subquery() >= transfers.c.approvals_needed)
        .values(status="approved")
    )
    journal.append(db, "transfer_approved", user_id, str(transfer_id))


def reject(db: Connection, transfer_id: UUID, user_id: UUID, note: str | None) -> bool:
    """End one that is pending; false where it is not."""
    journal.lock(db)
    is_pending = (transfers.c.transfer_id == transfer_id) & (transfers.c.status == "pending")
    ended = update(transfers).where(is_pending).values(status="rejected").returning(transfers.c.transfer_id)
    is_ended = _then_note(db, ended, "rejected", user_id, note)
    if is_ended:
        journal.append(db, "transfer_rejected", user_id, str(transfer_id))
    return is_ended


def settle(db: Connection, transfer_id: UUID, *, event_id: str | None, rejection: int | None) -> None:
    """Note what the log says of one that was approved."""
    status: Act = "done" if rejection is None else "refused"
    is_approved = (transfers.c.transfer_id == transfer_id) & (transfers.c.status == "approved")
    changed = update(transfers).where(is_approved).values(status=status, event_id=event_id, rejection=rejection)
    _then_note(db, changed.returning(transfers.c.transfer_id), status, None, None)


def _then_note(db: Connection, change: Any, act: Act, user_id: UUID | None, note: str | None) -> bool:
    """Change a transfer and note the act in one statement; false where nothing was changed."""
    changed = change.cte("changed")
    columns = transfer_acts.c
    noted = select(
        changed.c.transfer_id, literal(act), literal(user_id, columns.user_id.type), literal(note, columns.note.type)
    )
    names = ["transfer_id", "act", "user_id", "note"]
    stored = insert(transfer_acts).from_select(names, noted).returning(columns.number)
    return db.execute(stored).first() is not None
