"""Routes of the outside venue: the keys by which a user's orders are carried out there, and what became of them."""

from fastapi import APIRouter

from api.app_state import DatabaseDep, SettingsDep
from api.auth.caller import REFUSALS, SCHEMES, SESSION_SCHEMES, SIGNED_IN, Caller, InPerson
from api.http.cursors import LIMIT, Cursor, Limit, read_cursor, write_cursor
from api.http.numbers import ExactRoute
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND, ApiError, responses
from api.venue import keys, service
from api.venue.schemas import (
    VenueKeysReply,
    VenueKeysRequest,
    VenueOrderReply,
    VenueOrders,
    VenueStanding,
    venue_order_reply,
    venue_position_reply,
)

router = APIRouter(prefix="/venue-keys", tags=["venue-keys"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)
venue = APIRouter(prefix="/venue", tags=["venue"], route_class=ExactRoute, dependencies=SCHEMES)


@router.get("", responses=SIGNED_IN)
async def get_venue_keys(database: DatabaseDep, caller: InPerson) -> VenueKeysReply:
    """Say whether you have stored keys of the venue."""
    return VenueKeysReply(stored=await keys.has(database, caller.user.user_id))


@router.put("", responses=responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED))
async def store_venue_keys(
    settings: SettingsDep, database: DatabaseDep, caller: InPerson, body: VenueKeysRequest
) -> VenueKeysReply:
    """Store keys of the venue, in place of those before; your spot orders are carried out there from here on.

    With keys of another account the orders before are not found there, which looks like a reset of the venue.
    """
    await keys.store(
        settings, database, caller.user.user_id, body.api_key, body.secret_key, ("/api_key", "/secret_key")
    )
    return VenueKeysReply(stored=True)


@router.delete("", status_code=204, responses=responses(*REFUSALS, CROSS_SITE_REQUEST, NOT_FOUND))
async def revoke_venue_keys(database: DatabaseDep, caller: InPerson) -> None:
    """Forget your keys of the venue; nothing is sent there from here on.

    Cancel what rests there first: nobody can afterwards, and such an order ends here as `abandoned`.
    """
    if not await keys.revoke(database, caller.user.user_id):
        raise ApiError(NOT_FOUND, "You have stored no keys of the venue")


@venue.get("", responses=SIGNED_IN)
async def get_venue(settings: SettingsDep, database: DatabaseDep, caller: Caller) -> VenueStanding:
    """Say whether your spot orders are carried out at the venue, what you hold there, and how it is kept to."""
    standing, positions = await service.standing(database, caller.account_id)
    return VenueStanding(
        keys_stored=await keys.has(database, caller.user.user_id),
        compared_every_ms=settings.venue_reconcile_interval_ms,
        open_orders=standing.open_orders,
        undone_fills=standing.undone_fills,
        positions=[venue_position_reply(row) for row in positions],
    )


@venue.get("/orders", responses=responses(*REFUSALS, MALFORMED))
async def list_venue_orders(
    database: DatabaseDep, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None
) -> VenueOrders:
    """List your orders at the venue, newest first."""
    page = await service.orders(database, caller.account_id, limit, read_cursor("venue orders", cursor))
    return VenueOrders(
        items=[venue_order_reply(row) for row in page.items], next_cursor=write_cursor("venue orders", page.next_cursor)
    )


@venue.get("/orders/{order_id}", responses=responses(*REFUSALS, NOT_FOUND, MALFORMED))
async def get_venue_order(database: DatabaseDep, caller: Caller, order_id: str) -> VenueOrderReply:
    """Give one order of yours at the venue."""
    return venue_order_reply(await service.order(database, caller.account_id, order_id))
