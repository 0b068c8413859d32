"""How an order gets to the outside venue, and what a user has there."""

import asyncio
import json
import re
from decimal import Decimal
from hashlib import blake2b
from time import monotonic
from typing import Final, NamedTuple
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.dispatch.outcome_lookup import refuse_other_use
from api.http.amounts import plain
from api.http.problems import BROKER_UNAVAILABLE, ORDER_NOT_OPEN, REFUSALS, ApiError, malformed, not_found
from api.http.times import now
from api.log.outcomes import NotAppended
from api.log.venue_channel import LogPosition, VenueChannel
from api.store import used_keys
from api.store.database import Database
from api.store.used_keys import UsedKey
from projector import queries
from schemas.rejections import Rejection
from schemas.topics import VENUE_COMMANDS
from schemas.units import SECOND
from schemas.venue import OPEN_STATUSES
from schemas.venue_messages import CancelVenueOrder, PlaceVenueOrder, VenueCommand, VenueOrder, VenueSide

DEADLINE: Final = 60 * SECOND  # later a price is another one, and nobody waits for the order any more
LISTED_WITHIN_S: Final = 1.0
LOOK_S: Final = 0.02
_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}")
_WORD: Final = re.compile(r"[A-Z_]{1,32}")
_DIGITS: Final = re.compile(r"\d{1,20}(\.\d{1,20})?")


class VenueOrderRequest(NamedTuple):
    """An order in the venue's words: its symbol, type and time in force; amounts are decimal digits."""

    symbol: str
    side: VenueSide
    type: str
    quantity: str
    price: str | None = None
    stop_price: str | None = None
    time_in_force: str | None = None


async def place(
    database: Database, venue: VenueChannel, account_id: str, request: VenueOrderRequest, order_id: str | None = None
) -> str:
    """Ask for an order and give its id at once; it is pending. The same order_id again is the same order.

    Whatever the venue's filters say against it, its status tells later. 422 for what is no order at all, and for an
    order_id that was another order's.
    """
    for name, pattern in (("symbol", _SYMBOL), ("type", _WORD), ("quantity", _DIGITS)):
        _check(name, getattr(request, name), pattern)
    for name, pattern in (("price", _DIGITS), ("stop_price", _DIGITS), ("time_in_force", _WORD)):
        if getattr(request, name) is not None:
            _check(name, getattr(request, name), pattern)
    if order_id is not None:
        if await _is_placed(database, account_id, request, order_id):
            return order_id
        use = UsedKey("venue_order", _digest(request))
        refuse_other_use(await database.ask(lambda db: used_keys.take(db, order_id, use)), use)
    order = VenueOrder(order_id=order_id or str(uuid4()), **request._asdict())
    command = PlaceVenueOrder(command_id=order.order_id, account_id=account_id, deadline=now() + DEADLINE, order=order)
    await _send(database, venue, command)
    return order.order_id


async def cancel(database: Database, venue: VenueChannel, account_id: str, order_id: str) -> None:
    """Ask to cancel what is left of an order; its status tells whether that was done.

    404 for what is not theirs, 409 for what is over.
    """
    row = await order(database, account_id, order_id)
    if row.status not in OPEN_STATUSES:
        raise ApiError(ORDER_NOT_OPEN, f"The order is {row.status}")
    command = CancelVenueOrder(
        command_id=str(uuid4()), account_id=account_id, deadline=now() + DEADLINE, order_id=order_id
    )
    await _send(database, venue, command)


async def orders(
    database: Database, account_id: str, limit: int, before: int | None = None
) -> queries.Page[queries.VenueOrderRow]:
    """Give a user's orders at the venue, newest first."""
    return await database.ask(lambda db: queries.venue_order_rows(db, account_id, limit, before))


async def order(database: Database, account_id: str, order_id: str) -> queries.VenueOrderRow:
    """Give one of them."""
    row = await database.ask(lambda db: queries.venue_order_row(db, account_id, order_id))
    if row is None:
        raise not_found("order", order_id)
    return row


async def positions(database: Database, account_id: str) -> list[queries.VenuePositionRow]:
    """Give what a user holds at the venue, net, by symbol."""
    return await database.ask(lambda db: queries.venue_position_rows(db, account_id))


async def standing(
    database: Database, account_id: str
) -> tuple[queries.VenueStandingRow, list[queries.VenuePositionRow]]:
    """Count a user's open orders at the venue and the executions a reset undid, and give what they hold there."""
    return await database.ask(
        lambda db: (queries.venue_standing(db, account_id), queries.venue_position_rows(db, account_id))
    )


async def _is_placed(database: Database, account_id: str, request: VenueOrderRequest, order_id: str) -> bool:
    """Say whether this very order is placed already; 422 where another one is under this id."""
    row = await database.ask(lambda db: queries.venue_order_row(db, account_id, order_id))
    if row is None:
        return False
    if _content(row) != _content(request):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return True


def _digest(request: VenueOrderRequest) -> bytes:
    """Give the same bytes for the same order, and for no other."""
    told = [plain(part) if isinstance(part, Decimal) else part for part in _content(request)]
    return blake2b(json.dumps(told).encode(), digest_size=16).digest()


def _content(order: VenueOrderRequest | queries.VenueOrderRow) -> tuple[str | Decimal | None, ...]:
    """Give what makes two orders the same; 0.10 and 0.1 are one number."""
    numbers = (order.quantity, order.price, order.stop_price)
    digits = (None if number is None else Decimal(number) for number in numbers)
    return (order.symbol, order.side, order.type, order.time_in_force, *digits)


async def _send(database: Database, venue: VenueChannel, command: VenueCommand) -> None:
    try:
        place = await venue.send(command)
    except NotAppended as error:
        raise ApiError(
            BROKER_UNAVAILABLE, "The log did not take the order in time", headers={"Retry-After": "1"}
        ) from error
    await _until_listed(database, place)


async def _until_listed(database: Database, place: LogPosition) -> None:
    """Wait a moment for the projection, so that who asks for their orders next finds this one among them.

    It is in the log already: a database that fails meanwhile ends the waiting and nothing else.
    """
    give_up = monotonic() + LISTED_WITHIN_S
    while monotonic() < give_up:
        try:
            reached = await database.ask(lambda db: queries.venue_next_offset(db, VENUE_COMMANDS, place.partition))
        except SQLAlchemyError as error:
            structlog.get_logger().warning("an order at the venue is not waited for", error=str(error))
            return
        if reached > place.offset:
            return
        await asyncio.sleep(LOOK_S)


def _check(name: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise malformed(f"/{name}", f"{value[:40]!r} is not what a {name.replace('_', ' ')} looks like")
