"""Routes of instruments."""

from fastapi import APIRouter

from api.app_state import PricesDep
from api.instruments import service
from api.instruments.schemas import Instruments

router = APIRouter(prefix="/instruments", tags=["market"])


@router.get("")
async def list_instruments(prices: PricesDep) -> Instruments:
    """List what may be traded."""
    return service.all_of(prices)
