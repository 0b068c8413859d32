"""Routes of positions."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.app_state import BroadcastsDep, DatabaseDep, PricesDep
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.dispatch.dispatcher import DispatcherDep
from api.dispatch.read_your_writes import CAUGHT_UP, CAUGHT_UP_BY_EVENTS
from api.dispatch.replies import ACCEPTED, EVERY_COMMAND
from api.dispatch.request_options import OptionsDep
from api.http import paths
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.numbers import ExactRoute
from api.http.problems import (
    MALFORMED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    PROJECTION_BEHIND,
    REFUSALS,
    responses,
)
from api.positions import closing_all, service
from api.positions.lookup import PositionLookupDep
from api.positions.schemas import AmendRequest, CloseRequest, Closings, PositionReply, Positions
from api.positions.versions import ETAG, TAGGED, IfMatch, version_of
from schemas.rejections import Rejection

_PRICED: Final = (
    REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404),
    REFUSALS[Rejection.POSITION_NOT_OPEN],
    REFUSALS[Rejection.NO_PRICE],
    REFUSALS[Rejection.PRICE_UNCONFIRMED],
    REFUSALS[Rejection.PRICE_STALE],
)
CLOSING: Final = (
    SIGNED_IN
    | responses(
        *EVERY_COMMAND,
        *_PRICED,
        REFUSALS[Rejection.MARKET_HALTED],
        REFUSALS[Rejection.AMOUNT_NOT_POSITIVE],
        REFUSALS[Rejection.BELOW_MINIMUM],
        REFUSALS[Rejection.ABOVE_MAXIMUM],
    )
    | ACCEPTED
)
AMENDING: Final = (
    SIGNED_IN
    | responses(
        *EVERY_COMMAND,
        *_PRICED,
        REFUSALS[Rejection.STOP_LOSS_WRONG_SIDE],
        REFUSALS[Rejection.TAKE_PROFIT_WRONG_SIDE],
        PRECONDITION_FAILED,
    )
    | ACCEPTED
    | TAGGED
)
CLOSING_ALL: Final = (
    SIGNED_IN
    | responses(*EVERY_COMMAND)
    | {
        202: {
            "model": Closings,
            "description": "Not every close is decided, or can be shown, yet; look at its command",
            "headers": {
                "Location": {
                    "schema": {"type": "string"},
                    "description": "/api/v1/commands/{id}, where one command closes all",
                }
            },
        }
    }
)
ONE: Final = f"/{{position_id:{paths.LEDGER_ID}}}"

router = APIRouter(prefix="/positions", tags=["positions"], route_class=ExactRoute, dependencies=SCHEMES)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_positions(
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    status: Annotated[service.Status, Query()] = "open",
    symbol: Annotated[str | None, Query(max_length=32)] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Positions:
    """List your positions, the last opened first."""
    return await service.page(database, prices, caller.account_id, status, symbol, limit, cursor)


@router.get(
    ONE,
    dependencies=[CAUGHT_UP_BY_EVENTS],
    responses=responses(*CALLER_REFUSALS, NOT_FOUND, MALFORMED, PROJECTION_BEHIND) | TAGGED,
)
async def get_position(
    positions: PositionLookupDep, caller: Caller, position_id: str, response: Response
) -> PositionReply:
    """Give one position of yours, and the version of it as `ETag`."""
    position = await positions.find(caller.account_id, position_id)
    response.headers[ETAG] = version_of(position)
    return position


@router.patch(ONE, response_model=PositionReply, responses=AMENDING)
async def amend_position(
    dispatcher: DispatcherDep,
    positions: PositionLookupDep,
    caller: Caller,
    position_id: str,
    body: AmendRequest,
    options: OptionsDep,
    response: Response,
    if_match: IfMatch = None,
) -> BaseModel | JSONResponse:
    """Set a stop loss or take profit; null takes it off, absent keeps it. With `If-Match`, only of that version."""
    amended = await service.amend(dispatcher, positions, caller, position_id, body, options, if_match)
    return service.answer_of(*amended, tagged=True).over_http(response)


@router.post("/close-all", response_model=Closings, responses=CLOSING_ALL)
async def close_all_positions(
    dispatcher: DispatcherDep,
    positions: PositionLookupDep,
    broadcasts: BroadcastsDep,
    caller: Caller,
    options: OptionsDep,
    response: Response,
) -> BaseModel | JSONResponse:
    """Close every position that is open now; what its market does not let close stays, and does not stop the others."""
    closing = await closing_all.close_all(dispatcher, positions, broadcasts, caller, options)
    return closing.answer().over_http(response)


@router.post(ONE + "/close", response_model=PositionReply, responses=CLOSING)
async def close_position(
    dispatcher: DispatcherDep,
    positions: PositionLookupDep,
    caller: Caller,
    position_id: str,
    options: OptionsDep,
    response: Response,
    body: CloseRequest | None = None,
) -> BaseModel | JSONResponse:
    """Close a position at the server's price: whole, or so much of it; the rest keeps its stops and its id."""
    quantity = None if body is None else body.quantity
    closed = await service.close(dispatcher, positions, caller, position_id, options, quantity)
    return service.answer_of(*closed).over_http(response)
