"""Routes of instruments."""

from fastapi import APIRouter

from api.app_state import BroadcastsDep, PricesDep
from api.http.problems import DATABASE_UNAVAILABLE, responses
from api.instruments import service
from api.instruments.schemas import Instruments

router = APIRouter(prefix="/instruments", tags=["market"])


@router.get("", responses=responses(DATABASE_UNAVAILABLE))
async def list_instruments(prices: PricesDep, broadcasts: BroadcastsDep) -> Instruments:
    """List what may be traded, with every parameter that decides money."""
    return await service.all_of(prices, broadcasts)
