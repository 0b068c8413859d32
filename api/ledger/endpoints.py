"""Routes of the ledger."""

from fastapi import APIRouter

from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.cursors import LIMIT, Cursor, Limit
from api.ledger import service
from api.ledger.schemas import LedgerLines
from api.parts import Api
from api.problems import MALFORMED, responses
from api.progress import CAUGHT_UP

router = APIRouter(prefix="/ledger", tags=["account"], dependencies=SCHEMES)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_ledger_lines(parts: Api, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None) -> LedgerLines:
    """List the changes of your balance, newest first."""
    return await service.page(parts, caller.account_id, limit, cursor)
