"""The one account of seed 004, for whoever comes without a login: opened once, refilled when flat, shared by all."""

from typing import Final
from uuid import UUID

import structlog

from api.accounts import service as accounts
from api.accounts.schemas import AccountReply
from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.compat.trading import account_now
from api.demo import service as demo
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.request_options import RequestOptions, deadline
from api.http.problems import REFUSALS, ApiError
from api.store.users import User
from schemas.commands import OpenAccount
from schemas.ids import open_account_id
from schemas.rejections import Rejection
from schemas.units import MICROS_PER_USDC, MONEY_EXPONENT, parse

ID: Final = UUID("5eed0004-0000-4000-8000-000000000004")
FULL: Final = 10_000 * MICROS_PER_USDC
LOW: Final = 1_000 * MICROS_PER_USDC  # below it, and without a position, it is filled up again
NOBODY: Final = SignedInUser(User(ID, "demo@localhost", None, "user", str(ID), account_opened=True), ID)


async def shared_account(state: AppState, dispatcher: Dispatcher) -> AccountReply:
    """Give the account, opened and filled up where it has to be."""
    try:
        account = await account_now(state, NOBODY.account_id)
    except ApiError as error:
        if error.kind is not REFUSALS[Rejection.ACCOUNT_UNKNOWN]:
            raise
        account = await _open(state, dispatcher)
    return await _refill(state, dispatcher) if _is_low(account) else account


async def _open(state: AppState, dispatcher: Dispatcher) -> AccountReply:
    command = OpenAccount(
        command_id=open_account_id(NOBODY.account_id),
        account_id=NOBODY.account_id,
        deadline=deadline(),
        first_deposit=FULL,
    )
    try:
        await dispatcher.execute(command)
    except ApiError as error:
        if error.kind is not REFUSALS[Rejection.ACCOUNT_EXISTS]:
            raise
        # Another request opened it first.
    return await account_now(state, NOBODY.account_id)


def _is_low(account: AccountReply) -> bool:
    used, free = (parse(figure, MONEY_EXPONENT) for figure in (account.used_margin, account.free_margin))
    return used == 0 and free < LOW


async def _refill(state: AppState, dispatcher: Dispatcher) -> AccountReply:
    """Bring it to 10,000; two who find it empty at once send the same deposit, which counts once.

    The line is read before the balance: a deposit that is seen only as a line would be followed by a second one.
    """
    last = (await accounts.ledger_lines(state.database, NOBODY.account_id, 1, None)).items[0].id
    account = await account_now(state, NOBODY.account_id)
    if not _is_low(account):
        return account
    missing = FULL - parse(account.free_margin, MONEY_EXPONENT)
    try:
        await demo.deposit(
            dispatcher, NOBODY.account_id, missing, RequestOptions(f"refill/{last}", respond_async=False)
        )
    except ApiError as error:
        # What a day may bring in is used up: the account stays as it is, and the orders say what it cannot pay.
        structlog.get_logger().warning("shared account not refilled", code=error.kind.code)
        return account
    return await account_now(state, NOBODY.account_id)
