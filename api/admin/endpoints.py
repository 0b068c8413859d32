"""Routes of the markets, for administrators; those of the rules are in `rules`."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from api.admin import changes, service
from api.admin.schemas import (
    AccountLimitsRequest,
    AllParameters,
    BroadcastReply,
    BroadcastsReply,
    Exposures,
    FeedReply,
    InstrumentRequest,
    InsuranceFund,
    Ladder,
    Lag,
    ListedAccounts,
    ParametersRequest,
    StatusRequest,
)
from api.app_state import BroadcastsDep, DatabaseDep, EngineLagDep, OutcomesDep, PricesDep
from api.auth.caller import ADMIN_REFUSALS, SESSION_SCHEMES, Administrator, AdminReader
from api.dispatch.request_options import OptionsDep
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.numbers import ExactRoute
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND, REFUSALS, responses
from schemas.rejections import Rejection

SEEN: Final = responses(*ADMIN_REFUSALS)
UNKNOWN: Final = REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404)
CHANGED: Final = responses(*ADMIN_REFUSALS, CROSS_SITE_REQUEST, UNKNOWN, MALFORMED) | {
    202: {"model": BroadcastReply, "description": "Stored, and not in force in every shard yet"}
}
DEFINED: Final = responses(*ADMIN_REFUSALS, CROSS_SITE_REQUEST, MALFORMED) | {202: CHANGED[202]}
SET: Final = DEFINED | responses(MALFORMED, REFUSALS[Rejection.COMMAND_ID_REUSED])
STATUS_SET: Final = CHANGED | responses(MALFORMED, REFUSALS[Rejection.COMMAND_ID_REUSED])

Symbol = Annotated[str, Path(max_length=32, examples=["BTC_USDC"])]

router = APIRouter(prefix="/admin", tags=["admin"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)


@router.get("/instruments", responses=SEEN)
async def list_parameters(prices: PricesDep, _: AdminReader) -> AllParameters:
    """List the instruments with every parameter, and whether their markets are open."""
    return service.parameters(prices)


@router.patch("/instruments/{symbol}", responses=CHANGED)
async def change_parameters(
    broadcasts: BroadcastsDep,
    prices: PricesDep,
    caller: Administrator,
    symbol: Symbol,
    body: ParametersRequest,
    response: Response,
) -> BroadcastReply:
    """Change parameters of an instrument in every shard; never its tick, lot and tick value."""
    return _answer(await changes.set_parameters(broadcasts, prices, caller.user, symbol, body), response)


@router.post("/instruments/{symbol}/status", responses=STATUS_SET)
async def set_market_status(
    broadcasts: BroadcastsDep,
    prices: PricesDep,
    caller: Administrator,
    symbol: Symbol,
    body: StatusRequest,
    options: OptionsDep,
    response: Response,
) -> BroadcastReply:
    """Open a market, let it only close, or halt it, in every shard."""
    return _answer(await changes.set_status(broadcasts, prices, caller.user, symbol, body.status, options), response)


@router.post("/instruments", responses=DEFINED)
async def define_instrument(
    broadcasts: BroadcastsDep, prices: PricesDep, caller: Administrator, body: InstrumentRequest, response: Response
) -> BroadcastReply:
    """Define a new instrument in every shard; the feed begins to quote it."""
    return _answer(await changes.define_instrument(broadcasts, prices, caller.user, body), response)


@router.post("/clock", responses=SET)
async def set_clock(
    broadcasts: BroadcastsDep, caller: Administrator, options: OptionsDep, response: Response
) -> BroadcastReply:
    """Let log time be the broker's again, once the broker's clock is right; until then it would not go back."""
    return _answer(await changes.set_clock(broadcasts, caller.user, options), response)


@router.post("/account-limits", responses=SET)
async def set_account_limits(
    broadcasts: BroadcastsDep,
    caller: Administrator,
    body: AccountLimitsRequest,
    options: OptionsDep,
    response: Response,
) -> BroadcastReply:
    """Set what holds for every account, in every shard."""
    return _answer(await changes.set_account_limits(broadcasts, caller.user, body, options), response)


@router.get("/broadcasts", responses=SEEN)
async def list_broadcasts(broadcasts: BroadcastsDep, _: AdminReader) -> BroadcastsReply:
    """List all that was said to every shard, newest first."""
    return await changes.all_of(broadcasts)


@router.get("/broadcasts/{name}", responses=SEEN | responses(NOT_FOUND, MALFORMED))
async def get_broadcast(
    broadcasts: BroadcastsDep, _: AdminReader, name: Annotated[str, Path(max_length=64)]
) -> BroadcastReply:
    """Say which shards have answered."""
    return await changes.find(broadcasts, name)


@router.get("/exposure", responses=SEEN)
async def get_exposure(database: DatabaseDep, prices: PricesDep, _: AdminReader) -> Exposures:
    """Sum what clients hold in each market, at the last prices."""
    return await service.exposure(database, prices)


@router.get("/liquidations", responses=SEEN)
async def get_liquidation_ladder(database: DatabaseDep, prices: PricesDep, _: AdminReader) -> Ladder:
    """Tell which positions are liquidated when a price moves by 1 %, 2 %, up to 50 %, and when all prices do."""
    return await service.ladder(database, prices)


@router.get("/insurance-fund", responses=SEEN)
async def get_insurance_fund(database: DatabaseDep, outcomes: OutcomesDep, _: AdminReader) -> InsuranceFund:
    """Tell what the insurance fund holds, what it received and paid, and what it could not pay."""
    return await service.insurance_fund(database, outcomes.shards)


@router.get("/accounts", responses=SEEN | responses(MALFORMED))
async def list_accounts(
    database: DatabaseDep,
    _: AdminReader,
    account_id: Annotated[
        str | None, Query(pattern="^[!-~]{1,64}$", description="this account alone, by its whole id")
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> ListedAccounts:
    """List the accounts with their money and positions, the last opened first; nothing says whose they are."""
    return await service.accounts(database, account_id, limit, cursor)


@router.get("/feed", responses=SEEN)
async def get_feed(database: DatabaseDep, prices: PricesDep, _: AdminReader) -> FeedReply:
    """Tell whose prices count, how old they are, and which tick waits for confirmation."""
    return await service.feed(database, prices)


@router.get("/lag", responses=SEEN)
async def get_lag(database: DatabaseDep, outcomes: OutcomesDep, engine_lag: EngineLagDep, _: AdminReader) -> Lag:
    """Tell how far engine and projector are behind the log, by shard."""
    return await service.lag(database, outcomes, engine_lag)


def _answer(broadcast: BroadcastReply, response: Response) -> BroadcastReply:
    response.headers["Location"] = f"/api/v1/admin/broadcasts/{broadcast.name}"
    response.status_code = 202 if broadcast.waiting else 200
    return broadcast
