"""Routes of receipts."""

from fastapi import APIRouter

from api.app_state import DatabaseDep, PricesDep
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.dispatch.read_your_writes import CAUGHT_UP
from api.http import paths
from api.http.problems import MALFORMED, NOT_FOUND, responses
from api.receipts import service
from api.receipts.schemas import Receipt

router = APIRouter(prefix="/receipts", tags=["account"], dependencies=SCHEMES)


@router.get(
    f"/{{event_id:{paths.LEDGER_ID}}}",
    dependencies=[CAUGHT_UP],
    responses=SIGNED_IN | responses(NOT_FOUND, MALFORMED),
)
async def get_receipt(database: DatabaseDep, prices: PricesDep, caller: Caller, event_id: str) -> Receipt:
    """Say why a position of yours was closed, and what it paid."""
    return await service.find(database, prices, caller.account_id, event_id)
