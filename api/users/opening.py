"""How a user's account in the ledger is opened: by one command, the same however often it is sent."""

from typing import Annotated, Final, NamedTuple

import structlog
from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState, StateDep
from api.auth.caller import Caller
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.replies import Pending
from api.dispatch.request_options import deadline
from api.http.problems import ApiError
from api.store import users
from api.store.database import Database
from api.store.users import User
from schemas.commands import OpenAccount
from schemas.ids import open_account_id
from schemas.rejections import Rejection
from schemas.units import MICROS_PER_USDC

DEMO_FIRST_DEPOSIT: Final = 5_000 * MICROS_PER_USDC


class AccountOpener(NamedTuple):
    """Sends OpenAccount. first_deposit: micros the account begins with."""

    dispatcher: Dispatcher
    database: Database
    first_deposit: int

    async def open_if_unopened(self, user: User) -> dict[str, str]:
        """Open a user's account where that was not seen yet, and the user is one who trades; headers as of `open`."""
        # An auditor trades nothing, and what opens an account is written to the ledger.
        return {} if user.account_opened or user.role == "auditor" else await self.open(user)

    async def open(self, user: User) -> dict[str, str]:
        """Open a user's account and note when that was seen. Gives the headers of its place, where it is known."""
        command = OpenAccount(
            command_id=open_account_id(user.account_id),
            account_id=user.account_id,
            deadline=deadline(),
            first_deposit=self.first_deposit,
        )
        headers: dict[str, str] = {}
        try:
            reply = await self.dispatcher.execute(command)
            if isinstance(reply, Pending):
                return {}
            headers = reply.headers()
        except ApiError as error:
            if error.kind.code != Rejection.ACCOUNT_EXISTS.name:
                # The next login sends it again.
                structlog.get_logger().warning("account not opened", account_id=user.account_id, code=error.kind.code)
                return {}
        try:
            await self.database.ask(lambda db: users.mark_opened(db, user.user_id))
        except SQLAlchemyError as error:
            # The next login sends it again, and hears that the account exists.
            structlog.get_logger().warning("opening not noted", account_id=user.account_id, error=str(error))
        return headers


def account_opener(state: AppState, dispatcher: Dispatcher) -> AccountOpener:
    """Give the opener of an application: in the demo profile accounts begin with money."""
    return AccountOpener(dispatcher, state.database, DEMO_FIRST_DEPOSIT if state.settings.profile == "demo" else 0)


async def account_opener_of(state: StateDep, dispatcher: DispatcherDep) -> AccountOpener:
    """Give the opener of the application a request came to."""
    return account_opener(state, dispatcher)


AccountOpenerDep = Annotated[AccountOpener, Depends(account_opener_of)]


async def _open(caller: Caller, opener: AccountOpenerDep) -> None:
    """Open the account of a user for whom no broker answered when they came."""
    await opener.open_if_unopened(caller.user)


OPENED = Depends(_open)
