"""Routes of instruments."""

from fastapi import APIRouter

from reprise.api.instruments import service
from reprise.api.instruments.schemas import Instruments
from reprise.api.parts import Api

router = APIRouter(prefix="/instruments", tags=["market"])


@router.get("")
async def list_instruments(parts: Api) -> Instruments:
    """List what may be traded."""
    return service.all_of(parts)
