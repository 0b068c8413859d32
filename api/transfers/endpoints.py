"""Routes of money: what administrators bring in and out and approve, and what users ask for."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from api.app_state import DatabaseDep, SettingsDep
from api.auth.caller import ADMIN_REFUSALS, SESSION_SCHEMES, SIGNED_IN, Administrator, AdminReader, InPerson
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.dispatch.dispatcher import DispatcherDep
from api.dispatch.request_options import IdempotencyKey
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.numbers import ExactRoute
from api.http.problems import (
    CROSS_SITE_REQUEST,
    MALFORMED,
    NOT_FOUND,
    REFUSALS,
    TRANSFER_NOT_PENDING,
    responses,
)
from api.store.transfers import TransferKind, TransferStatus
from api.transfers import service
from api.transfers.schemas import (
    DecisionRequest,
    TransferReply,
    TransferRequest,
    Transfers,
    Withdrawal,
    WithdrawalRequest,
    Withdrawals,
)
from api.transfers.service import Wish
from api.transfers.views import transfer_of, withdrawal_of
from schemas.rejections import Rejection

_MOVED: Final = (
    *(CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND),
    REFUSALS[Rejection.AMOUNT_NOT_POSITIVE],
    REFUSALS[Rejection.COMMAND_ID_REUSED],
)
_DECIDED: Final = responses(*ADMIN_REFUSALS, CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND, TRANSFER_NOT_PENDING)

AccountId = Annotated[str, Path(max_length=64)]
TransferId = Annotated[str, Path(max_length=64)]

admin = APIRouter(prefix="/admin", tags=["admin"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)
withdrawals = APIRouter(prefix="/withdrawals", tags=["account"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)


@admin.post("/accounts/{account_id}/deposits", status_code=201, responses=responses(*ADMIN_REFUSALS, *_MOVED))
async def deposit_into_account(
    dispatcher: DispatcherDep,
    database: DatabaseDep,
    settings: SettingsDep,
    caller: Administrator,
    account_id: AccountId,
    body: TransferRequest,
    key: IdempotencyKey,
) -> TransferReply:
    """Bring money into an account; with MONEY_CONFIRMATIONS another administrator approves it first."""
    needed = service.approvals_of_an_administrator(settings)
    wish = Wish("deposit", account_id, body.amount, body.reason, body.note, needed)
    return transfer_of(await service.request(dispatcher, database, caller, wish, key))


@admin.post("/accounts/{account_id}/withdrawals", status_code=201, responses=responses(*ADMIN_REFUSALS, *_MOVED))
async def withdraw_from_account(
    dispatcher: DispatcherDep,
    database: DatabaseDep,
    settings: SettingsDep,
    caller: Administrator,
    account_id: AccountId,
    body: TransferRequest,
    key: IdempotencyKey,
) -> TransferReply:
    """Take money out of an account's free margin; with MONEY_CONFIRMATIONS another administrator approves it first."""
    needed = service.approvals_of_an_administrator(settings)
    wish = Wish("withdrawal", account_id, body.amount, body.reason, body.note, needed)
    return transfer_of(await service.request(dispatcher, database, caller, wish, key))


@admin.get("/transfers", responses=responses(*ADMIN_REFUSALS, MALFORMED))
async def list_transfers(
    database: DatabaseDep,
    _: AdminReader,
    account_id: Annotated[str | None, Query(max_length=64)] = None,
    kind: TransferKind | None = None,
    status: Annotated[TransferStatus | None, Query(description="`pending`: what waits for approval")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Transfers:
    """List money that came in and went out, and what waits, newest first."""
    items, more = await service.page(
        database, account_id=account_id, kind=kind, status=status, limit=limit, cursor=cursor
    )
    return Transfers(items=[transfer_of(one) for one in items], next_cursor=more)


@admin.get("/transfers/{transfer_id}", responses=responses(*ADMIN_REFUSALS, MALFORMED, NOT_FOUND))
async def get_transfer(
    dispatcher: DispatcherDep, database: DatabaseDep, _: AdminReader, transfer_id: TransferId
) -> TransferReply:
    """Give one transfer, with who did what to it."""
    return transfer_of(await service.find(dispatcher, database, transfer_id))


@admin.post("/transfers/{transfer_id}/approve", responses=_DECIDED)
async def approve_transfer(
    dispatcher: DispatcherDep,
    database: DatabaseDep,
    caller: Administrator,
    transfer_id: TransferId,
    body: DecisionRequest | None = None,
) -> TransferReply:
    """Approve what somebody else asked for. Where it was approved and is not in the log yet, it is sent again."""
    note = None if body is None else body.note
    return transfer_of(await service.approve(dispatcher, database, caller, transfer_id, note))


@admin.post("/transfers/{transfer_id}/reject", responses=_DECIDED)
async def reject_transfer(
    database: DatabaseDep, caller: Administrator, transfer_id: TransferId, body: DecisionRequest | None = None
) -> TransferReply:
    """End what waits for approval; its user sees the note."""
    return transfer_of(await service.reject(database, caller, transfer_id, None if body is None else body.note))


@withdrawals.post("", status_code=201, responses=responses(*CALLER_REFUSALS, *_MOVED))
async def request_withdrawal(
    dispatcher: DispatcherDep,
    database: DatabaseDep,
    settings: SettingsDep,
    caller: InPerson,
    body: WithdrawalRequest,
    key: IdempotencyKey,
) -> Withdrawal:
    """Ask for money out of your free margin; in production an administrator approves it, in the demo it goes at once.

    The free margin counts when it is executed.
    """
    needed = service.approvals_of_a_user(settings)
    wish = Wish("withdrawal", caller.account_id, body.amount, "requested", body.note, needed)
    return withdrawal_of(await service.request(dispatcher, database, caller, wish, key))


@withdrawals.get("", responses=SIGNED_IN | responses(MALFORMED))
async def list_withdrawals(
    database: DatabaseDep, caller: InPerson, limit: Limit = LIMIT, cursor: Cursor = None
) -> Withdrawals:
    """List your withdrawals, newest first."""
    items, more = await service.page(
        database, account_id=caller.account_id, kind="withdrawal", status=None, limit=limit, cursor=cursor
    )
    return Withdrawals(items=[withdrawal_of(one) for one in items], next_cursor=more)


@withdrawals.get("/{transfer_id}", responses=responses(*CALLER_REFUSALS, MALFORMED, NOT_FOUND))
async def get_withdrawal(
    dispatcher: DispatcherDep, database: DatabaseDep, caller: InPerson, transfer_id: TransferId
) -> Withdrawal:
    """Give one of your withdrawals."""
    return withdrawal_of(await service.find(dispatcher, database, transfer_id, caller.account_id))
