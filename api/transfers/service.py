"""How money is moved: asked for, approved by others than who asked, and then one command of the log."""

from typing import NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import Decided, Pending, Stored
from api.dispatch.request_options import RequestOptions, deadline
from api.http.cursors import read_cursor, write_cursor
from api.http.problems import FORBIDDEN, REFUSALS, TRANSFER_NOT_PENDING, ApiError, not_found
from api.store import transfers as store
from api.store.database import Database
from api.store.transfers import Transfer, TransferAct, TransferKind, TransferStatus
from projector import queries
from runtime.settings import Settings
from schemas.commands import Deposit, Withdraw
from schemas.events import CommandRejected
from schemas.ids import event_id, keyed_command_id, open_account_id
from schemas.journal import requested_as, transfer_key
from schemas.rejections import Rejection
from schemas.units import INT64_MAX, render


class Shown(NamedTuple):
    """A transfer, and what was done to it."""

    transfer: Transfer
    acts: list[TransferAct]


class Wish(NamedTuple):
    """What is asked for; amount in micros."""

    kind: TransferKind
    account_id: str
    amount: int
    reason: str
    note: str | None
    approvals_needed: int


class TransferOutcome(NamedTuple):
    """What the log says of a transfer. rejection: the number of its refusal."""

    event_id: str | None
    rejection: int | None


def approvals_of_an_administrator(settings: Settings) -> int:
    """Say how many others must approve what an administrator asks for."""
    return settings.money_confirmations


def approvals_of_a_user(settings: Settings) -> int:
    """Say how many administrators must approve a user's wish; demo money is nobody's."""
    return 0 if settings.profile == "demo" else 1 + settings.money_confirmations


async def request(
    dispatcher: Dispatcher, database: Database, caller: SignedInUser, wish: Wish, key: str | None
) -> Shown:
    """Store what is asked for, once a key, and execute it where nobody need approve it."""
    if not 0 < wish.amount <= INT64_MAX:
        sent = render(wish.amount, 6)
        kind = REFUSALS[Rejection.AMOUNT_NOT_POSITIVE]
        raise ApiError(kind, f"{kind.title}: sent {sent}", details={"above": 0, "sent": sent})
    if await database.ask(lambda db: queries.account(db, wish.account_id)) is None and not await _is_opened(
        dispatcher, wish.account_id
    ):
        raise not_found("account", wish.account_id, of_caller=False)
    user_id = caller.user.user_id
    transfer_id = uuid4() if key is None else UUID(keyed_command_id(str(user_id), transfer_key(key)))
    values = wish._asdict() | {
        "transfer_id": transfer_id,
        "requested_by": user_id,
        "status": "pending" if wish.approvals_needed else "approved",
    }
    shown = await database.ask_in_transaction(lambda db: _shown_in(db, store.add(db, values)))
    stored = shown.transfer
    if (stored.kind, stored.account_id, stored.amount, stored.reason, stored.note) != wish[:5]:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _executed(dispatcher, database, shown)


async def _is_opened(dispatcher: Dispatcher, account_id: str) -> bool:
    """Say whether an account that no table has is open all the same: its opening was decided a moment ago."""
    reply = await dispatcher.lookup.decided(account_id, open_account_id(account_id))
    return isinstance(reply, Decided) and not isinstance(reply.outcome.event, CommandRejected)


async def approve(
    dispatcher: Dispatcher, database: Database, caller: SignedInUser, transfer_id: str, note: str | None
) -> Shown:
    """Approve what another asked for; the last approval executes it, and once more where it is not in the log."""
    transfer = await _transfer(database, transfer_id)
    if transfer.status == "pending":
        if transfer.requested_by == caller.user.user_id:
            raise ApiError(FORBIDDEN, "You asked for this transfer; another administrator approves it")
        user_id = caller.user.user_id
        shown = await database.ask_in_transaction(lambda db: _approved(db, transfer.transfer_id, user_id, note))
    else:
        shown = await _shown(database, transfer)
    if shown.transfer.status == "rejected":
        raise _not_pending(shown.transfer)
    return await _executed(dispatcher, database, shown)


async def reject(database: Database, caller: SignedInUser, transfer_id: str, note: str | None) -> Shown:
    """End what waits for approval."""
    transfer = await _transfer(database, transfer_id)
    user_id = caller.user.user_id
    shown = await database.ask_in_transaction(lambda db: _rejected(db, transfer.transfer_id, user_id, note))
    if shown is None:
        raise _not_pending(await _transfer(database, transfer_id))
    return shown


async def find(dispatcher: Dispatcher, database: Database, transfer_id: str, account_id: str | None = None) -> Shown:
    """Give one transfer, as the log has it by now; account_id: of this account alone."""
    transfer = await _transfer(database, transfer_id, account_id)
    if transfer.status == "approved" and await _settled_by_log(dispatcher, database, transfer):
        transfer = await _transfer(database, transfer_id, account_id)
    return await _shown(database, transfer)


async def carry(dispatcher: Dispatcher, database: Database, transfer: Transfer) -> None:
    """Settle one that was approved as the log decided it; where the log does not have it, send it again."""
    if not await _settled_by_log(dispatcher, database, transfer):
        await _executed(dispatcher, database, Shown(transfer, []))


async def page(
    database: Database,
    *,
    account_id: str | None,
    kind: TransferKind | None,
    status: TransferStatus | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Shown], str | None]:
    """List transfers, newest first, and give the next page's cursor."""
    question = f"transfers~{account_id or ''}~{kind or ''}~{status or ''}"
    before = read_cursor(question, cursor)
    found = await database.ask(
        lambda db: store.page(db, account_id=account_id, kind=kind, status=status, limit=limit, before=before)
    )
    shown, more = found[:limit], len(found) > limit
    acts = await database.ask(lambda db: store.acts(db, [one.transfer_id for one in shown]))
    items = [Shown(one, acts[one.transfer_id]) for one in shown]
    return items, write_cursor(question, shown[-1].number if more else None)


async def _executed(dispatcher: Dispatcher, database: Database, shown: Shown) -> Shown:
    """Put one that is approved into the log, once for ever, and note what the log says.

    It is stored: where the database fails from here on, what is known is given, and `TransferCarrier` does the rest.
    """
    transfer = shown.transfer
    if transfer.status != "approved":
        return shown
    try:
        # Rows that no line tells of move no money; `audit verify` names them.
        if not await database.ask(lambda db: store.is_in_journal(db, transfer)):
            structlog.get_logger().error("transfer not in the journal", transfer=str(transfer.transfer_id))
            return shown
        outcome = await _decided(dispatcher, transfer)
    except SQLAlchemyError as error:
        structlog.get_logger().warning("transfer not sent", transfer=str(transfer.transfer_id), error=str(error))
        return shown
    if outcome is None:
        return shown
    try:
        return await database.ask_in_transaction(lambda db: _settled(db, transfer, outcome))
    except SQLAlchemyError as error:
        structlog.get_logger().warning("transfer not settled", transfer=str(transfer.transfer_id), error=str(error))
        status: TransferStatus = "done" if outcome.rejection is None else "refused"
        return shown._replace(transfer=transfer._replace(status=status, **outcome._asdict()))


async def _decided(dispatcher: Dispatcher, transfer: Transfer) -> TransferOutcome | None:
    """Send the command of a transfer; null where its outcome is not known now."""
    command = (Deposit if transfer.kind == "deposit" else Withdraw)(
        command_id=transfer.command_id, account_id=transfer.account_id, deadline=deadline(), amount=transfer.amount
    )
    key = transfer_key(requested_as(transfer.transfer_id, transfer.journal_hash))
    try:
        reply = await dispatcher.execute(command, RequestOptions(key, respond_async=False))
    except ApiError as error:
        if "command_id" in error.members and error.kind.code in Rejection.__members__:
            return TransferOutcome(None, Rejection[error.kind.code].value)
        # It is not known to be in the log; `TransferCarrier` sends it again.
        structlog.get_logger().warning("transfer not sent", transfer=str(transfer.transfer_id), code=error.kind.code)
        return None
    return None if isinstance(reply, Pending) else _outcome_of(reply)


async def _settled_by_log(dispatcher: Dispatcher, database: Database, transfer: Transfer) -> bool:
    reply = await dispatcher.lookup.decided(transfer.account_id, transfer.command_id)
    if reply is not None:
        outcome = _outcome_of(reply)
        await database.ask_in_transaction(lambda db: _settled(db, transfer, outcome))
    return reply is not None


def _outcome_of(reply: Decided | Stored) -> TransferOutcome:
    if isinstance(reply, Stored):
        return TransferOutcome(reply.row.event_id, reply.row.rejection)
    event = reply.outcome.event
    rejection = event.rejection if isinstance(event, CommandRejected) else None
    return TransferOutcome(event_id(reply.outcome.shard, event.seq), rejection)


def _settled(db: Connection, transfer: Transfer, outcome: TransferOutcome) -> Shown:
    store.settle(db, transfer.transfer_id, **outcome._asdict())
    return _found(db, transfer.transfer_id)


def _approved(db: Connection, transfer_id: UUID, user_id: UUID, note: str | None) -> Shown:
    store.approve(db, transfer_id, user_id, note)
    return _found(db, transfer_id)


def _rejected(db: Connection, transfer_id: UUID, user_id: UUID, note: str | None) -> Shown | None:
    return _found(db, transfer_id) if store.reject(db, transfer_id, user_id, note) else None


def _found(db: Connection, transfer_id: UUID) -> Shown:
    found = store.find(db, transfer_id)
    assert found is not None, "transfers are kept"
    return _shown_in(db, found)


def _shown_in(db: Connection, transfer: Transfer) -> Shown:
    return Shown(transfer, store.acts(db, [transfer.transfer_id])[transfer.transfer_id])


async def _shown(database: Database, transfer: Transfer) -> Shown:
    return await database.ask(lambda db: _shown_in(db, transfer))


async def _transfer(database: Database, transfer_id: str, account_id: str | None = None) -> Transfer:
    try:
        wanted = UUID(transfer_id)
    except ValueError as error:
        raise not_found("transfer", transfer_id, of_caller=account_id is not None) from error
    found = await database.ask(lambda db: store.find(db, wanted, account_id))
    if found is None:
        raise not_found("transfer", transfer_id, of_caller=account_id is not None)
    return found


def _not_pending(transfer: Transfer) -> ApiError:
    details: dict[str, str | int] = {"id": str(transfer.transfer_id), "status": transfer.status}
    return ApiError(TRANSFER_NOT_PENDING, f"The transfer is {transfer.status}", details=details)
