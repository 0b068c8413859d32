"""Routes of the account: what it holds, its fills, its ledger lines and its history."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.accounts import service
from api.accounts.schemas import AccountEvents, AccountReply, Fills, LedgerLines
from api.app_state import DatabaseDep, PricesDep
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.dispatch.account_lookup import AccountLookupDep
from api.dispatch.read_your_writes import CAUGHT_UP, CAUGHT_UP_BY_EVENTS
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.lean_routes import LeanRoute
from api.http.problems import MALFORMED, PROJECTION_BEHIND, REFUSALS, responses
from schemas.rejections import Rejection
from schemas.units import INT64_MAX

# A router each: the documents list their paths in the order in which these are included.
account = APIRouter(prefix="/account", tags=["account"], route_class=LeanRoute, dependencies=SCHEMES)
fills = APIRouter(prefix="/fills", tags=["account"], dependencies=SCHEMES)
ledger = APIRouter(prefix="/ledger", tags=["account"], dependencies=SCHEMES)
history = APIRouter(prefix="/audit/events", tags=["account"], dependencies=SCHEMES)


@account.get(
    "",
    dependencies=[CAUGHT_UP_BY_EVENTS],
    responses=responses(*CALLER_REFUSALS, REFUSALS[Rejection.ACCOUNT_UNKNOWN], MALFORMED, PROJECTION_BEHIND),
)
async def get_account(accounts: AccountLookupDep, caller: Caller) -> AccountReply:
    """Give your account."""
    return await service.find(accounts, caller.account_id)


@fills.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_fills(
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    symbol: Annotated[str | None, Query(max_length=32)] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Fills:
    """List your executions, newest first."""
    return await service.fills(database, prices, caller.account_id, symbol, limit, cursor)


@ledger.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_ledger_lines(
    database: DatabaseDep, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None
) -> LedgerLines:
    """List the changes of your balance, newest first."""
    return await service.ledger_lines(database, caller.account_id, limit, cursor)


@history.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_events(
    database: DatabaseDep,
    caller: Caller,
    after_seq: Annotated[int, Query(ge=0, le=INT64_MAX, description="the last seq you have; 0 for all")] = 0,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> AccountEvents:
    """List everything that happened to your account, the oldest first, as the log has it."""
    return await service.events(database, caller.account_id, after_seq, limit, cursor)
