"""Routes of tickers."""

from fastapi import APIRouter

from api.app_state import DayStatsDep, PricesDep
from api.http.problems import DATABASE_UNAVAILABLE, responses
from api.tickers import service
from api.tickers.schemas import Tickers

router = APIRouter(prefix="/tickers", tags=["market"])


@router.get("", responses=responses(DATABASE_UNAVAILABLE))
async def list_tickers(prices: PricesDep, day_stats: DayStatsDep) -> Tickers:
    """List the last prices, which feed they are of, and what they are worth now."""
    return await service.all_of(prices, day_stats)
