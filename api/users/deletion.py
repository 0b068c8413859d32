"""How a user is deleted: who they were at once and in one statement, what they have open by commands until nothing is.

The row of the user stays, and says of them only which account was theirs: the ledger is kept whole. An interruption at
any point leaves a row that says `deleted_at` without `closed_at`, and every process of the API looks for those.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Delete, Text, cast, delete, func, literal, select, update
from sqlalchemy.exc import SQLAlchemyError

from api.dispatch.dispatcher import Dispatcher
from api.dispatch.read_your_writes import POSITION_HEADER, read_position, wait_for
from api.dispatch.replies import Pending
from api.dispatch.request_options import deadline
from api.http.problems import ApiError
from api.http.times import now
from api.log.command_producer import DEADLINE_S
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.log.venue_channel import VenueChannel
from api.store.database import Database
from api.store.tables import api_keys, sessions, users
from api.store.users import User
from api.venue.leaving import KEPT_AT_MOST, LastCancels, deletion_of_idle_keys, left_venue
from projector import queries
from projector.queries.alert_queries import deletion_of_alerts
from schemas.commands import ClosePosition

LOOK_S: Final = 5.0
SOON_S: Final = 0.5
POSITIONS_MAX: Final = 500  # closed in one round
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


async def delete_user(database: Database, deletions: asyncio.Event, user: User) -> int:
    """Forget who a user is and end all they could act with; gives how many positions are still to be closed."""
    await database.ask(lambda db: forget(db, user.user_id))
    open_positions = await database.ask(lambda db: _open_positions(db, user.account_id))
    deletions.set()
    structlog.get_logger().info("user deleted", account_id=user.account_id, open_positions=len(open_positions))
    return len(open_positions)


def forget(db: Connection, user_id: UUID) -> None:
    """Take a user's personal data out of the database, with their sessions and every key; their email is free again.

    Keys of the venue stay while an order is open there: without them nobody could cancel it.
    """
    gone = (
        update(users)
        .where(users.c.user_id == user_id, users.c.deleted_at.is_(None))
        .values(
            email=literal("deleted:") + cast(users.c.user_id, Text),
            name=None,
            password_hash="",
            role="user",
            deleted_at=func.now(),
        )
        .returning(users.c.user_id)
        .cte("gone")
    )
    theirs = [delete(one).where(one.c.user_id == user_id).cte(f"their_{one.name}") for one in (sessions, api_keys)]
    theirs.append(deletion_of_idle_keys(user_id).cte("their_venue_keys"))
    db.execute(select(gone.c.user_id).add_cte(*theirs, _deletion_of_alerts(user_id).cte("their_alerts")))


async def close_for_ever(
    dispatcher: Dispatcher,
    database: Database,
    outcomes: Outcomes,
    prices: PriceCache,
    venue: VenueChannel,
    deletions: asyncio.Event,
) -> None:
    """Close the accounts of users who are gone; what cannot be closed now is tried again."""
    pause, last_cancel = 0.0, LastCancels()
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(deletions.wait(), pause)
        deletions.clear()
        try:
            left = [
                await _close(dispatcher, database, outcomes, prices, venue, leaving, last_cancel)
                for leaving in await database.ask(_leaving)
            ]
        except SQLAlchemyError as error:
            structlog.get_logger().warning("accounts are not closed now", error=type(error).__name__)
            left = []
        pause = SOON_S if any(left) else LOOK_S


async def _close(
    dispatcher: Dispatcher,
    database: Database,
    outcomes: Outcomes,
    prices: PriceCache,
    venue: VenueChannel,
    leaving: LeavingUser,
    last_cancel: LastCancels,
) -> bool:
    """Close what is open of one account, and note when nothing is; true where another look is worth it soon."""
    user_id, account_id = leaving.user_id, leaving.account_id
    has_left = await left_venue(database, venue, user_id, account_id, last_cancel, is_late=leaving.is_late)
    positions = await database.ask(lambda db: _open_positions(db, leaving.account_id))
    closed = 0
    for position in positions:
        # What would only be refused is not sent.
        if prices.status(position.symbol) != "halted" and prices.state(position.symbol, now()) == "fresh":
            closed += await _close_position(dispatcher, leaving.account_id, position.position_id)
    if positions:
        return closed > 0
    if not leaving.settled:
        return True
    if has_left and await _is_flat(dispatcher, database, outcomes, leaving.account_id):
        await database.ask(lambda db: _mark_closed(db, leaving.user_id))
        structlog.get_logger().info("account of a deleted user closed", account_id=leaving.account_id)
    return False


async def _close_position(dispatcher: Dispatcher, account_id: str, position_id: str) -> bool:
    """Close one position; true where that is known to have happened. A second time is refused and changes nothing."""
    command = ClosePosition(
        command_id=str(uuid4()), account_id=account_id, deadline=deadline(), position_id=position_id
    )
    try:
        reply = await dispatcher.execute(command)
    except ApiError as error:
        structlog.get_logger().info("position not closed", account_id=account_id, code=error.kind.code)
        return False
    return not isinstance(reply, Pending)


async def _is_flat(dispatcher: Dispatcher, database: Database, outcomes: Outcomes, account_id: str) -> bool:
    """Say whether nothing is open, of all that was in the log before a command sent now, which changes nothing."""
    command = ClosePosition(
        command_id=str(uuid4()), account_id=account_id, deadline=deadline(), position_id=NO_POSITION
    )
    try:
        await dispatcher.execute(command)
    except ApiError as error:
        seen = read_position(error.headers.get(POSITION_HEADER), outcomes.shards)
        if not seen or any([await wait_for(database, shard, seq) > 0 for shard, seq in seen]):
            return False
        return not await database.ask(lambda db: _open_positions(db, account_id))
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
    late = _deletion_of_alerts(user_id).cte("late_alerts")
    db.execute(update(users).where(users.c.user_id == user_id).values(closed_at=func.now()).add_cte(late))


def _deletion_of_alerts(user_id: UUID) -> Delete:
    return deletion_of_alerts(select(users.c.account_id).where(users.c.user_id == user_id))


def _open_positions(db: Connection, account_id: str) -> list[queries.PositionRow]:
    return queries.positions(db, account_id, status="open", limit=POSITIONS_MAX).items
