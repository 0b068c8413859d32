"""Routes of the ledger."""

from fastapi import APIRouter

from reprise.api.auth.caller import SCHEMES, SIGNED_IN, Caller
from reprise.api.cursors import LIMIT, Cursor, Limit
from reprise.api.ledger import service
from reprise.api.ledger.schemas import LedgerLines
from reprise.api.parts import Api
from reprise.api.problems import MALFORMED, responses
from reprise.api.progress import CAUGHT_UP

router = APIRouter(prefix="/ledger", tags=["account"], dependencies=SCHEMES)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_ledger_lines(parts: Api, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None) -> LedgerLines:
    """List the changes of your balance, newest first."""
    return await service.page(parts, caller.account_id, limit, cursor)
