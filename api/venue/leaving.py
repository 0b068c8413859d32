"""How what a deleted user has open at the venue is cancelled; their keys are kept that long, and not for ever."""

from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Delete, delete, select

from api.http.problems import ApiError
from api.log.venue_channel import VenueChannel
from api.store.database import Database
from api.store.tables import users, venue_keys
from api.venue import keys, service
from projector import queries

# Then the keys go in any case, and the worker gives up the orders it can no longer ask about.
KEPT_AT_MOST: Final = timedelta(days=1)
CANCELLED_AGAIN_S: Final = 60.0

LastCancels = dict[str, float]  # when an order's cancellation was last asked for, by order


async def left_venue(
    database: Database, venue: VenueChannel, user_id: UUID, account_id: str, last_cancels: LastCancels, *, is_late: bool
) -> bool:
    """Cancel what a deleted user has open, and drop the keys once nothing is; true where there are none any more."""
    if is_late:
        await keys.revoke(database, user_id)
        return True
    await database.ask(lambda db: db.execute(deletion_of_idle_keys(user_id)))
    if not await keys.has(database, user_id):
        return True
    for order_id in await database.ask(lambda db: queries.open_venue_orders(db, account_id)):
        if order_id not in last_cancels or monotonic() > last_cancels[order_id] + CANCELLED_AGAIN_S:
            try:
                await service.cancel(database, venue, account_id, order_id)
            except ApiError as error:
                structlog.get_logger().info("venue order not cancelled", account_id=account_id, code=error.kind.code)
            else:
                last_cancels[order_id] = monotonic()
    return False


def deletion_of_idle_keys(user_id: UUID) -> Delete:
    """Give the statement that drops a user's keys of the venue, unless an order there still needs them."""
    account = select(users.c.account_id).where(users.c.user_id == user_id)
    return delete(venue_keys).where(venue_keys.c.user_id == user_id, ~queries.any_open_at_venue(account))
