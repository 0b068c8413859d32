"""Routes of fills."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.cursors import LIMIT, Cursor, Limit
from api.fills import service
from api.fills.schemas import Fills
from api.parts import Api
from api.problems import MALFORMED, responses
from api.progress import CAUGHT_UP

router = APIRouter(prefix="/fills", tags=["account"], dependencies=SCHEMES)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_fills(
    parts: Api,
    caller: Caller,
    symbol: Annotated[str | None, Query(max_length=32)] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Fills:
    """List your executions, newest first."""
    return await service.page(parts, caller.account_id, symbol, limit, cursor)
