"""Seed 004's interface: a state, and positions that are opened and closed; without a login by one shared account."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from api.accounts.schemas import AccountReply
from api.app_state import AppState, StateDep
from api.auth.caller import SignedInUser, address_of
from api.auth.limiting import bucket_of, take
from api.compat import client_prices
from api.compat.client_prices import ClientPrice
from api.compat.declared import CLOSED, OPENED, OR_NOBODY, PENDING, READ, SCHEMES
from api.compat.demo_account import NOBODY, shared_account
from api.compat.names import instrument_named, short
from api.compat.replies import Digits, command_id_of, digits, digits_or_null, headers_of, undecided, written
from api.compat.routes import BadRequestRoute
from api.compat.sessions import caller_or_nobody
from api.compat.trading import TradeOrder, account_now, close_position_of, open_position_of
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import catching_up
from api.dispatch.replies import Decided, Pending, Reply, Stored
from api.dispatch.request_options import OptionsDep
from api.http.cursors import LIMIT_MAX
from api.http.numbers import Leverage, Money, Number, Text
from api.http.times import now
from api.positions.views import position_of_row
from projector import queries
from projector.queries import PositionRow
from schemas.messages import Side

PREFIX: Final = "pos_"


class OpenRequest(BaseModel):
    """Open a position at the market's price. currentPrice, slippage: what the client's page shows; they guard nothing.

    `POST /api/v1/orders` has `expected_price` and `slippage_bps` for a guard.
    """

    margin: Money
    asset: Annotated[Text, Field(max_length=32, examples=["SOL"])]
    type: Side
    leverage: Leverage | None = None
    slippage: Number | None = None
    currentPrice: Number | None = None  # noqa: N815  # The seed's own names.


class Seed004CloseRequest(BaseModel, title="CloseRequest"):
    """Close a position at the market's price; what the client believes that to be is only noted."""

    positionId: Annotated[Text, Field(max_length=68, examples=["pos_2-17"])]  # noqa: N815
    currentPrice: Number | None = None  # noqa: N815


class SeedPosition(BaseModel):
    """An open position. slippage, currentPrice: as sent; entryPrice: the real one. timestamp: ms since 1970."""

    positionId: str = Field(examples=["pos_2-17"])  # noqa: N815
    asset: str = Field(examples=["SOL"])
    type: Side
    margin: Digits
    leverage: Digits
    slippage: Digits | None = None
    currentPrice: Digits | None = None  # noqa: N815
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
    """What a position brought. closePrice: the real one; currentPrice: as it was sent."""

    message: str
    realizedPnL: Digits  # noqa: N815
    closePrice: Digits | None = None  # noqa: N815
    currentPrice: Digits | None = None  # noqa: N815


async def trader(state: StateDep, request: Request) -> SignedInUser:
    """Give the caller; nobody in particular trades for the shared account, so often from one address.

    It is nobody's, so that a page of any origin may, as at the seed's server.
    """
    caller = await caller_or_nobody(request, state)
    bucket = bucket_of(request.method, request.url.path)
    if caller is not None:
        take(request, state, bucket, caller.account_id)
        return caller
    take(request, state, bucket, f"seed 004 from {address_of(request)}")
    return NOBODY


Trader = Annotated[SignedInUser, Depends(trader)]


class Seed004Route(BadRequestRoute):
    """This seed has no logins, so that none of the cookies is its own."""

    login_cookie = None


router = APIRouter(tags=["seed 004"], route_class=Seed004Route)


@router.get(
    "/api/v1/state",
    response_model=SeedState,
    responses=BadRequestRoute.refusals(*READ, *OPENED),
    dependencies=[*SCHEMES, catching_up(trader, insist=True)],
    openapi_extra=OR_NOBODY,
)
async def state(state: StateDep, dispatcher: DispatcherDep, caller: Trader) -> Response:
    """Give the balances and the open positions."""
    account = await _account(state, dispatcher, caller)
    account_id = caller.account_id
    rows = (await state.database.ask(lambda db: queries.positions(db, account_id, limit=LIMIT_MAX))).items
    order_ids = [row.command_id for row in rows if row.command_id is not None]
    said = await state.database.ask(lambda db: client_prices.of_orders(db, account_id, order_ids))
    free = Balances(USD=digits(account.free_margin), SOL=digits("0"))
    listed = [_position(state, row, said.get(row.command_id or "")) for row in rows]
    return written(SeedState(balances=free, positions=listed))


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
    """Open a position at the market's price, whatever the client's page shows."""
    slippage = client_prices.as_sent("/slippage", body.slippage)
    price = client_prices.as_sent("/currentPrice", body.currentPrice)
    instrument_named(state, body.asset)
    await _account(state, dispatcher, caller)
    trade = TradeOrder(
        asset=body.asset,
        side=body.type,
        margin=body.margin,
        leverage=body.leverage,
    )
    order, reply = await open_position_of(state, dispatcher, caller, trade, options)
    said = ClientPrice(command_id_of(reply) if order is None else order.order_id, caller.account_id, price, slippage)
    said = await _noted(state, said)
    if order is None or order.position_id is None or order.quantity is None:
        return undecided(reply, positionId=command_id_of(reply))
    opened = SeedPosition(
        positionId=f"{PREFIX}{order.position_id}",
        asset=body.asset,
        type=body.type,
        margin=digits(str(order.margin)),
        leverage=digits(str(order.leverage)),
        slippage=digits_or_null(said.slippage),
        currentPrice=digits_or_null(said.price),
        entryPrice=digits(str(order.price)),
        quantity=digits(order.quantity),
        unrealizedPnL=digits("0"),
        liquidationPrice=digits_or_null(order.liquidation_price),
        timestamp=_time(reply) // 1_000,
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
    price = client_prices.as_sent("/currentPrice", body.currentPrice)
    if price is not None:
        structlog.get_logger().info("a client's price", position_id=body.positionId, price=price)
    position, reply = await close_position_of(state, dispatcher, caller, body.positionId, options)
    if position is None or position.realized_pnl is None:
        return undecided(reply, positionId=body.positionId)
    closed = Seed004Closed(
        message="Position closed successfully",
        realizedPnL=digits(position.realized_pnl),
        closePrice=digits_or_null(position.close_price),
        currentPrice=digits_or_null(price),
    )
    return written(closed, headers=headers_of(reply))


def _time(reply: Reply) -> int:
    """Give the log time (µs) of what a reply tells; of an order that came again, that of the first."""
    match reply:
        case Decided(outcome):
            return outcome.event.time
        case Stored(row):
            return row.time
        case Pending():
            return now()


async def _noted(state: AppState, said: ClientPrice) -> ClientPrice:
    """Keep what a client said; where the database does not take that, the order is executed all the same."""
    try:
        return await state.database.ask(lambda db: client_prices.add(db, said))
    except SQLAlchemyError as error:
        structlog.get_logger().warning("a client's price is not kept", order_id=said.order_id, error=str(error))
        return said


async def _account(state: AppState, dispatcher: Dispatcher, caller: SignedInUser) -> AccountReply:
    if caller is NOBODY:
        return await shared_account(state, dispatcher)
    return await account_now(state, caller.account_id)


def _position(state: AppState, row: PositionRow, said: ClientPrice | None) -> SeedPosition:
    position = position_of_row(row, state.prices.instruments)
    return SeedPosition(
        positionId=f"{PREFIX}{position.id}",
        asset=short(position.symbol),
        type=position.side,
        margin=digits(position.margin),
        leverage=digits(position.leverage),
        slippage=None if said is None else digits_or_null(said.slippage),
        currentPrice=None if said is None else digits_or_null(said.price),
        entryPrice=digits(position.entry_price),
        quantity=digits(position.quantity),
        unrealizedPnL=digits(position.unrealized_pnl or "0"),
        liquidationPrice=digits_or_null(position.liquidation_price),
        timestamp=row.opened_at // 1_000,
    )
