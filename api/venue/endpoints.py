"""Routes of the keys by which a user's orders are carried out at the outside venue."""

from fastapi import APIRouter

from api.app_state import DatabaseDep, SettingsDep
from api.auth.caller import REFUSALS, SESSION_SCHEMES, SIGNED_IN, InPerson
from api.http.numbers import ExactRoute
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND, ApiError, responses
from api.venue import keys
from api.venue.schemas import VenueKeysReply, VenueKeysRequest

router = APIRouter(prefix="/venue-keys", tags=["venue-keys"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)


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
