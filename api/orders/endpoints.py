"""Routes of orders."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.app_state import DatabaseDep, PricesDep, StateDep
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.dispatch.dispatcher import DispatcherDep, LookupDep
from api.dispatch.read_your_writes import CAUGHT_UP, CAUGHT_UP_BY_EVENTS, CAUGHT_UP_OR_REFUSED
from api.dispatch.replies import ACCEPTED, COMMAND_PROBLEMS
from api.dispatch.request_options import OptionsDep
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.numbers import ExactRoute
from api.http.problems import (
    CROSS_SITE_REQUEST,
    ENGINE_BEHIND,
    MALFORMED,
    NOT_FOUND,
    PROJECTION_BEHIND,
    REFUSALS,
    responses,
)
from api.orders import preview, service
from api.orders.schemas import OrderReply, OrderRequest, Orders, PreviewReply
from schemas.rejections import Rejection

REFUSED: Final = [
    REFUSALS[rejection]
    for rejection in Rejection
    if rejection
    not in (
        Rejection.WRONG_SHARD,
        Rejection.ACCOUNT_EXISTS,
        Rejection.FEED_NOT_SELECTED,
        Rejection.POSITION_NOT_OPEN,
        Rejection.DEPOSIT_LIMIT,
        Rejection.BALANCE_LIMIT,
    )
]

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute, dependencies=SCHEMES)


@router.post(
    "",
    status_code=201,
    response_model=OrderReply,
    responses=SIGNED_IN | responses(*REFUSED, *COMMAND_PROBLEMS) | ACCEPTED,
)
async def place_order(
    dispatcher: DispatcherDep,
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    body: OrderRequest,
    options: OptionsDep,
    response: Response,
) -> BaseModel | JSONResponse:
    """Open a position at the market's price. The reply is the engine's decision, or 202 and where to look."""
    placed = await service.place(dispatcher, database, prices, caller, body, options)
    return service.answer_of(*placed).over_http(response)


@router.post(
    "/preview",
    # Of an older account it would say what the engine then does not do.
    dependencies=[CAUGHT_UP_OR_REFUSED],
    responses=SIGNED_IN
    | responses(
        *CALLER_REFUSALS,
        MALFORMED,
        CROSS_SITE_REQUEST,
        REFUSALS[Rejection.ACCOUNT_UNKNOWN],
        REFUSALS[Rejection.SYMBOL_UNKNOWN],
        PROJECTION_BEHIND,
    ),
)
async def preview_order(state: StateDep, caller: Caller, body: OrderRequest) -> PreviewReply:
    """Say what an order would cost now, and every reason why it would be refused. Nothing is sent."""
    return await preview.preview(state, caller, body)


@router.get("", dependencies=[CAUGHT_UP], responses=SIGNED_IN | responses(MALFORMED))
async def list_orders(
    lookup: LookupDep,
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    status: Annotated[service.Status | None, Query(description="all by default")] = None,
    client_order_id: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,36}$", description="the one order of this client_order_id")
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Orders:
    """List your orders, newest first; those that are decided."""
    if client_order_id is not None:
        return await service.named(lookup, database, prices, caller.account_id, client_order_id, status)
    return await service.page(lookup, database, prices, caller.account_id, status, limit, cursor)


@router.get(
    "/{order_id}",
    dependencies=[CAUGHT_UP_BY_EVENTS],
    responses=responses(*CALLER_REFUSALS, NOT_FOUND, MALFORMED, ENGINE_BEHIND, PROJECTION_BEHIND),
)
async def get_order(
    lookup: LookupDep,
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    order_id: Annotated[str, Path(max_length=64)],
) -> OrderReply:
    """Give one order of yours."""
    return await service.find(lookup, database, prices, caller.account_id, order_id)
