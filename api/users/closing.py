"""How the accounts of deleted users are closed: what they have open, here and at the venue, until nothing is."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.read_your_writes import POSITION_HEADER, read_log_position, wait_for
from api.dispatch.replies import Pending
from api.dispatch.request_options import deadline
from api.http.problems import ApiError
from api.http.times import now
from api.log.command_producer import DEADLINE_S
from api.store.tables import users
from api.users.deletion import deletion_of_users_alerts, open_positions
from api.venue.leaving import KEPT_AT_MOST, LastCancels, left_venue
from schemas.commands import ClosePosition

LOOK_S: Final = 5.0
SOON_S: Final = 0.5
# What the user sent before is in the log by now, or is refused there for its deadline.
SETTLED_AFTER: Final = timedelta(seconds=DEADLINE_S + 5)
NO_POSITION: Final = "0-0"


class LeavingUser(NamedTuple):
    """A deleted user whose account is not known to be flat. settled: nothing they sent is still on its way.

    is_late: the keys of the venue are kept no longer, whatever is open there.
    """

    user_id: UUID
    account_id: str
    settled: bool
    is_late: bool


class AccountCloser:
    """Runs in every process of the API: a close that another process has sent too is refused, and changes nothing."""

    def __init__(self, state: AppState, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._database = state.database
        self._outcomes = state.outcomes
        self._prices = state.prices
        self._venue = state.venue
        self._deletions = state.deletions
        self._last_cancels: LastCancels = {}

    async def close_for_ever(self) -> None:
        """Close the accounts of users who are gone; what cannot be closed now is tried again."""
        pause = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._deletions.wait(), pause)
            self._deletions.clear()
            try:
                left = [await self._close(leaving) for leaving in await self._database.ask(_leaving)]
            except SQLAlchemyError as error:
                structlog.get_logger().warning("accounts are not closed now", error=type(error).__name__)
                left = []
            pause = SOON_S if any(left) else LOOK_S

    async def _close(self, leaving: LeavingUser) -> bool:
        """Close what is open of one account, and note when nothing is; true where another look is worth it soon."""
        user_id, account_id = leaving.user_id, leaving.account_id
        has_left = await left_venue(
            self._database, self._venue, user_id, account_id, self._last_cancels, is_late=leaving.is_late
        )
        positions = await self._database.ask(lambda db: open_positions(db, leaving.account_id))
        closed = 0
        for position in positions:
            # What would only be refused is not sent.
            if (
                self._prices.status(position.symbol) != "halted"
                and self._prices.state(position.symbol, now()) == "fresh"
            ):
                closed += await self._close_position(leaving.account_id, position.position_id)
        if positions:
            return closed > 0
        if not leaving.settled:
            return True
        if has_left and await self._is_flat(leaving.account_id):
            await self._database.ask(lambda db: _mark_closed(db, leaving.user_id))
            structlog.get_logger().info("account of a deleted user closed", account_id=leaving.account_id)
        return False

    async def _close_position(self, account_id: str, position_id: str) -> bool:
        """Close one position; true where it is known to be closed. A second time is refused and changes nothing."""
        command = ClosePosition(
            command_id=str(uuid4()), account_id=account_id, deadline=deadline(), position_id=position_id
        )
        try:
            reply = await self._dispatcher.execute(command)
        except ApiError as error:
            structlog.get_logger().info("position not closed", account_id=account_id, code=error.kind.code)
            return False
        return not isinstance(reply, Pending)

    async def _is_flat(self, account_id: str) -> bool:
        """Say whether nothing is open of all that was in the log before a command sent now, which changes nothing."""
        command = ClosePosition(
            command_id=str(uuid4()), account_id=account_id, deadline=deadline(), position_id=NO_POSITION
        )
        try:
            await self._dispatcher.execute(command)
        except ApiError as error:
            seen = read_log_position(error.headers.get(POSITION_HEADER), self._outcomes.shards)
            if not seen or any([await wait_for(self._database, shard, seq) > 0 for shard, seq in seen]):
                return False
            return not await self._database.ask(lambda db: open_positions(db, account_id))
        return False


def _leaving(db: Connection) -> list[LeavingUser]:
    settled = users.c.deleted_at < func.now() - SETTLED_AFTER
    late = users.c.deleted_at < func.now() - KEPT_AT_MOST
    query = select(users.c.user_id, users.c.account_id, settled, late).where(
        users.c.deleted_at.is_not(None), users.c.closed_at.is_(None)
    )
    return [LeavingUser(*row) for row in db.execute(query.order_by(users.c.deleted_at))]


def _mark_closed(db: Connection, user_id: UUID) -> None:
    # An alert may have been on its way when the others were deleted.
    late = deletion_of_users_alerts(user_id).cte("late_alerts")
    db.execute(update(users).where(users.c.user_id == user_id).values(closed_at=func.now()).add_cte(late))
