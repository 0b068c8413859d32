"""Routes of receipts."""

from fastapi import APIRouter

from api.app_state import PricesDep
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.caller import SCHEMES, Caller
from api.dispatch.dispatcher import LookupDep
from api.dispatch.read_your_writes import CAUGHT_UP_BY_EVENTS
from api.dispatch.unprojected import UnprojectedDep
from api.http import paths
from api.http.problems import ENGINE_BEHIND, MALFORMED, NOT_FOUND, PROJECTION_BEHIND, responses
from api.receipts import service
from api.receipts.schemas import Receipt, TickClosings

router = APIRouter(prefix="/receipts", tags=["account"], dependencies=SCHEMES)


@router.get(
    f"/{{event_id:{paths.LEDGER_ID}}}",
    dependencies=[CAUGHT_UP_BY_EVENTS],
    responses=responses(*CALLER_REFUSALS, NOT_FOUND, MALFORMED, ENGINE_BEHIND, PROJECTION_BEHIND),
)
async def get_receipt(
    lookup: LookupDep, unprojected: UnprojectedDep, prices: PricesDep, caller: Caller, event_id: str
) -> Receipt:
    """Say why a position of yours was closed, and what it paid."""
    return await service.find(lookup, unprojected, prices, caller.account_id, event_id)


@router.get(
    f"/{{event_id:{paths.LEDGER_ID}}}/closings",
    dependencies=[CAUGHT_UP_BY_EVENTS],
    responses=responses(*CALLER_REFUSALS, NOT_FOUND, MALFORMED, ENGINE_BEHIND, PROJECTION_BEHIND),
)
async def list_tick_closings(
    lookup: LookupDep, unprojected: UnprojectedDep, prices: PricesDep, caller: Caller, event_id: str
) -> TickClosings:
    """Say what else closed at the tick of a receipt of yours, and in which order."""
    return await service.closings(lookup, unprojected, prices, caller.account_id, event_id)
