"""Routes of the account's history."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.cursors import LIMIT, Cursor, Limit
from api.history import service
from api.history.schemas import AccountEvents
from api.parts import Api
from api.problems import MALFORMED, responses
from api.progress import CAUGHT_UP
from schemas.units import INT64_MAX

router = APIRouter(prefix="/audit/events", tags=["account"], dependencies=SCHEMES)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_events(
    parts: Api,
    caller: Caller,
    after_seq: Annotated[int, Query(ge=0, le=INT64_MAX, description="the last seq you have; 0 for all")] = 0,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> AccountEvents:
    """List everything that happened to your account, the oldest first, as the log has it."""
    return await service.page(parts, caller.account_id, after_seq, limit, cursor)
