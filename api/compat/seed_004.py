"""Seed 004's interface: a state, and positions that are opened and closed; without a login by one shared account."""

from datetime import datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.accounts import service as accounts
from api.accounts.schemas import AccountReply
from api.app_state import AppState, StateDep
from api.auth.caller import SignedInUser, address_of
from api.auth.cross_site import refuse_cross_site
from api.auth.limiting import bucket_of, take
from api.compat.declared import CLOSED, OPENED, PENDING, READ, SCHEMES
from api.compat.demo_account import NOBODY, shared_account
from api.compat.names import instrument_named, short
from api.compat.replies import Digits, command_id_of, digits, digits_or_null, headers_of, undecided, written
from api.compat.routes import BadRequestRoute
from api.compat.sessions import caller_or_nobody
from api.compat.trading import TradeOrder, close_position_of, guard_price, open_position_of
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import catching_up
from api.dispatch.request_options import OptionsDep
from api.http.cursors import LIMIT_MAX
from api.http.numbers import Leverage, Money, Number, Text, Whole
from api.http.times import micros_of, now
from api.positions import service as positions
from api.positions.schemas import PositionReply
from schemas.messages import Side

PREFIX: Final = "pos_"
# Beside the schemes: who sends none of them trades for the shared account.
OR_NOBODY: Final[dict[str, Any]] = {"security": [{}]}


class OpenRequest(BaseModel):
    """Open a position. currentPrice: a guard, `slippage` basis points wide (100 unless said); never the price."""

    margin: Money
    asset: Annotated[Text, Field(max_length=32, examples=["SOL"])]
    type: Side
    leverage: Leverage | None = None
    slippage: Whole | None = None
    currentPrice: Number | None = None  # noqa: N815  # The seed's own names.


class Seed004CloseRequest(BaseModel, title="CloseRequest"):
    """Close a position at the market's price; what the client believes that to be is only noted."""

    positionId: Annotated[Text, Field(max_length=68, examples=["pos_2-17"])]  # noqa: N815
    currentPrice: Number | None = None  # noqa: N815


class SeedPosition(BaseModel):
    """An open position. timestamp: ms since 1970."""

    positionId: str = Field(examples=["pos_2-17"])  # noqa: N815
    asset: str = Field(examples=["SOL"])
    type: Side
    margin: Digits
    leverage: Digits
    slippage: int | None = None
    entryPrice: Digits  # noqa: N815
    quantity: Digits
    unrealizedPnL: Digits  # noqa: N815
    liquidationPrice: Digits | None = None  # noqa: N815
    timestamp: int


class Balances(BaseModel):
    """The free money; the coin is traded by contract and not held."""

    USD: Digits
    SOL: Digits


class SeedState(BaseModel, title="State"):
    """What is free, and what is open, newest first."""

    balances: Balances
    positions: list[SeedPosition]


class Seed004Closed(BaseModel, title="Closed"):
    """What a position brought."""

    message: str
    realizedPnL: Digits  # noqa: N815


async def trader(state: StateDep, request: Request) -> SignedInUser:
    """Give the caller; nobody in particular trades for the shared account, so often from one address."""
    caller = await caller_or_nobody(request, state)
    bucket = bucket_of(request.method, request.url.path)
    if caller is not None:
        take(request, state, bucket, caller.account_id)
        return caller
    take(request, state, bucket, f"seed 004 from {address_of(request)}")
    refuse_cross_site(request, state.settings)
    return NOBODY


Trader = Annotated[SignedInUser, Depends(trader)]
router = APIRouter(tags=["seed 004"], route_class=BadRequestRoute)


@router.get(
    "/api/v1/state",
    response_model=SeedState,
    responses=BadRequestRoute.refusals(*READ, *OPENED),
    dependencies=[*SCHEMES, catching_up(trader)],
    openapi_extra=OR_NOBODY,
)
async def state(state: StateDep, dispatcher: DispatcherDep, caller: Trader) -> Response:
    """Give the balances and the open positions."""
    account = await _account(state, dispatcher, caller)
    page = await positions.page(state.database, state.prices, caller.account_id, "open", None, LIMIT_MAX, None)
    free = Balances(USD=digits(account.free_margin), SOL=digits("0"))
    return written(SeedState(balances=free, positions=[_position(position) for position in page.items]))


@router.post(
    "/api/v1/positions/open",
    status_code=201,
    response_model=SeedPosition,
    responses=BadRequestRoute.refusals(*OPENED) | PENDING,
    dependencies=SCHEMES,
    openapi_extra=OR_NOBODY,
)
async def open_position(
    state: StateDep, dispatcher: DispatcherDep, caller: Trader, body: OpenRequest, options: OptionsDep
) -> Response:
    """Open a position, unless the price is further from `currentPrice` than the slippage allows."""
    instrument = instrument_named(state, body.asset)
    await _account(state, dispatcher, caller)
    trade = TradeOrder(
        asset=body.asset,
        side=body.type,
        margin=body.margin,
        leverage=body.leverage,
        slippage_bps=body.slippage,
        expected_price=guard_price(instrument, body.type, body.currentPrice),
    )
    order, reply = await open_position_of(state, dispatcher, caller, trade, options)
    if order is None or order.position_id is None or order.quantity is None:
        return undecided(reply, positionId=command_id_of(reply))
    opened = SeedPosition(
        positionId=f"{PREFIX}{order.position_id}",
        asset=body.asset,
        type=body.type,
        margin=digits(str(order.margin)),
        leverage=digits(str(order.leverage)),
        slippage=instrument.slippage_bps if body.slippage is None else body.slippage,
        entryPrice=digits(str(order.price)),
        quantity=digits(order.quantity),
        unrealizedPnL=digits("0"),
        liquidationPrice=digits_or_null(order.liquidation_price),
        timestamp=now() // 1_000,
    )
    return written(opened, 201, headers_of(reply))


@router.post(
    "/api/v1/positions/close",
    response_model=Seed004Closed,
    responses=BadRequestRoute.refusals(*CLOSED) | PENDING,
    dependencies=SCHEMES,
    openapi_extra=OR_NOBODY,
)
async def close_seed_position(
    state: StateDep, dispatcher: DispatcherDep, caller: Trader, body: Seed004CloseRequest, options: OptionsDep
) -> Response:
    """Close a position at the market's price."""
    if body.currentPrice is not None:
        structlog.get_logger().info("a client's price", position_id=body.positionId, price=body.currentPrice)
    position, reply = await close_position_of(state, dispatcher, caller, body.positionId, options)
    if position is None or position.realized_pnl is None:
        return undecided(reply, positionId=body.positionId)
    closed = Seed004Closed(message="Position closed successfully", realizedPnL=digits(position.realized_pnl))
    return written(closed, headers=headers_of(reply))


async def _account(state: AppState, dispatcher: Dispatcher, caller: SignedInUser) -> AccountReply:
    if caller is NOBODY:
        return await shared_account(state, dispatcher)
    return await accounts.find(state.database, state.outcomes, caller.account_id)


def _position(position: PositionReply) -> SeedPosition:
    return SeedPosition(
        positionId=f"{PREFIX}{position.id}",
        asset=short(position.symbol),
        type=position.side,
        margin=digits(position.margin),
        leverage=digits(position.leverage),
        entryPrice=digits(position.entry_price),
        quantity=digits(position.quantity),
        unrealizedPnL=digits(position.unrealized_pnl or "0"),
        liquidationPrice=digits_or_null(position.liquidation_price),
        timestamp=micros_of(datetime.fromisoformat(position.opened_at)) // 1_000,
    )
