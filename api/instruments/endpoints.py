"""Routes of instruments."""

from fastapi import APIRouter

from api.app_state import StateDep
from api.instruments import service
from api.instruments.schemas import Instruments

router = APIRouter(prefix="/instruments", tags=["market"])


@router.get("")
async def list_instruments(state: StateDep) -> Instruments:
    """List what may be traded."""
    return service.all_of(state)
