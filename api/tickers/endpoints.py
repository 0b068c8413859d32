"""Routes of tickers."""

from fastapi import APIRouter

from api.app_state import StateDep
from api.http.problems import DATABASE_UNAVAILABLE, responses
from api.tickers import service
from api.tickers.schemas import Tickers

router = APIRouter(prefix="/tickers", tags=["market"])


@router.get("", responses=responses(DATABASE_UNAVAILABLE))
async def list_tickers(state: StateDep) -> Tickers:
    """List the last prices, which feed they are of, and what they are worth now."""
    return await service.all_of(state)
