"""Seed 003's interface: orders by quantity, a deposit, and candles. Its logins and its balance are shared."""

from typing import Annotated, Any, ClassVar, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.app_state import AppState, StateDep
from api.auth.caller import Caller, SignedInUser
from api.compat import candles
from api.compat.balances import HeldBalance, held
from api.compat.declared import ANYONE, CLOSED, DEPOSITED, OPENED, PENDING, READ, SIGNED
from api.compat.names import short
from api.compat.replies import (
    Digits,
    command_id_of,
    digits,
    digits_or_null,
    encoded,
    headers_of,
    undecided,
    written,
)
from api.compat.routes import SeedRoute
from api.compat.trading import (
    TradeOrder,
    account_after,
    account_now,
    close_position_of,
    find_position_of,
    name_field,
    open_position_of,
)
from api.demo import service as demo
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import CAUGHT_UP_OR_REFUSED, KNOWN_OR_REFUSED
from api.dispatch.request_options import OptionsDep, RequestOptions
from api.http.cursors import LIMIT_MAX, Cursor, Limit
from api.http.numbers import Leverage, Number, Text, Whole, units_of
from api.http.problems import DATABASE_UNAVAILABLE, MALFORMED, RATE_LIMITED, REFUSALS, ApiError, malformed
from api.positions import service as positions
from api.positions.schemas import PositionReply
from schemas.messages import Side
from schemas.rejections import Rejection
from schemas.units import MONEY_EXPONENT

SIDES: Final[dict[str, Side]] = {"buy": "long", "long": "long", "sell": "short", "short": "short"}
REASONS: Final = {
    "manual": "Manual",
    "stop_loss": "StopLoss",
    "take_profit": "TakeProfit",
    "trailing_stop": "StopLoss",
    "liquidation": "Liquidation",
    "admin": "Liquidation",
    "account_closed": "Manual",
}
DEPOSITABLE: Final = ("USD", "USDC")
OF_AMOUNT: Final = (Rejection.AMOUNT_NOT_POSITIVE.name, Rejection.DEPOSIT_LIMIT.name, Rejection.BALANCE_LIMIT.name)


class Seed003OrderRequest(BaseModel, title="OrderRequest"):
    """Open a position of `qty` of the asset at the market's price."""

    asset: Annotated[Text, Field(max_length=32, examples=["BTC"])]
    side: Literal["buy", "sell", "long", "short"]
    status: Text | None = None
    qty: Number
    leverage: Leverage | None = None
    takeProfit: Number | None = None  # noqa: N815  # The seed's own names.
    stopLoss: Number | None = None  # noqa: N815


class Note(BaseModel):
    """What a client says when it closes; the figures are ours, so neither changes anything."""

    pnl: Any = None
    closeReason: Any = None  # noqa: N815


class Seed003DepositRequest(BaseModel, title="DepositRequest"):
    """Demo money: `amount` of 10^-decimals USDC."""

    symbol: Annotated[Text, Field(max_length=8, examples=["USDC"])]
    amount: Number
    decimals: Whole = 2


class Done(BaseModel):
    """What happened, to which order."""

    message: str
    orderId: str = Field(examples=["2-17"])  # noqa: N815
    pnl: Digits | None = None


class SeedOrder(BaseModel, title="Row"):
    """An order, as the seed's page lists it."""

    id: str
    symbol: str = Field(examples=["BTC"])
    orderType: Side  # noqa: N815
    quantity: Digits
    price: Digits
    status: Literal["open", "closed"]
    pnl: Digits
    createdAt: str  # noqa: N815
    closedAt: str | None = None  # noqa: N815
    exitPrice: Digits | None = None  # noqa: N815
    leverage: Digits
    takeProfit: Digits | None = None  # noqa: N815
    stopLoss: Digits | None = None  # noqa: N815
    closeReason: str | None = None  # noqa: N815


class SeedOrders(BaseModel, title="Rows"):
    """Orders, newest first."""

    orders: list[SeedOrder]
    next_cursor: str | None = None


class OneRow(BaseModel):
    """One order."""

    order: SeedOrder


class Seed003Route(SeedRoute):
    """This seed answers what it cannot read with 400."""

    refused_as: ClassVar[dict[int, int]] = {422: 400}
    own_names: ClassVar = SeedRoute.own_names | {
        "/quantity": "/qty",
        "/stop_loss": "/stopLoss",
        "/take_profit": "/takeProfit",
    }


router = APIRouter(tags=["seed 003"], route_class=Seed003Route)
OPENING: Final = Seed003Route.refusals(*OPENED) | PENDING
READING: Final = Seed003Route.refusals(*READ)


@router.post("/trade/create", response_model=Done, responses=OPENING, dependencies=SIGNED)
async def create_order(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: Seed003OrderRequest, options: OptionsDep
) -> Response:
    """Open a position."""
    return await _open(state, dispatcher, caller, body, options)


@router.post("/trade/open", response_model=Done, responses=OPENING, dependencies=SIGNED)
async def open_order(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: Seed003OrderRequest, options: OptionsDep
) -> Response:
    """Open a position, under the name the seed's code has for it."""
    return await _open(state, dispatcher, caller, body, options)


@router.post(
    "/trade/close/{order_id}",
    response_model=Done,
    responses=Seed003Route.refusals(*CLOSED) | PENDING,
    dependencies=SIGNED,
)
async def close_order(
    state: StateDep,
    dispatcher: DispatcherDep,
    caller: Caller,
    order_id: Annotated[Text, Path(max_length=64)],
    options: OptionsDep,
    body: Note | None = None,
) -> Response:
    """Close an order of yours at the market's price; the profit is what the engine says."""
    del body
    position, reply = await close_position_of(state, dispatcher, caller, order_id, options)
    if position is None:
        return undecided(reply, orderId=order_id)
    done = Done(message="Order closed successfully", orderId=order_id, pnl=digits_or_null(position.realized_pnl))
    return written(done, headers=headers_of(reply))


@router.get("/trade/orders", response_model=SeedOrders, responses=READING, dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED])
async def list_orders(state: StateDep, caller: Caller, limit: Limit = LIMIT_MAX, cursor: Cursor = None) -> Response:
    """List your orders, newest first; `limit` and `cursor` are ours."""
    page = await positions.page(state.database, state.prices, caller.account_id, "all", None, limit, cursor)
    return written(SeedOrders(orders=[_row(position) for position in page.items], next_cursor=page.next_cursor))


@router.get(
    "/trade/orders/{order_id}",
    response_model=OneRow,
    responses=READING,
    dependencies=[*SIGNED, KNOWN_OR_REFUSED],
)
async def get_seed_order(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, order_id: Annotated[Text, Path(max_length=64)]
) -> Response:
    """Give one order of yours."""
    return written(OneRow(order=_row(await find_position_of(state, dispatcher, caller, order_id))))


@router.get(
    "/balance/{symbol}",
    response_model=HeldBalance,
    responses=READING,
    dependencies=[*SIGNED, KNOWN_OR_REFUSED],
)
async def balance_of_symbol(state: StateDep, caller: Caller, symbol: Annotated[Text, Path(max_length=32)]) -> Response:
    """Give the free amount of one asset."""
    _, amount = held(await account_now(state, caller.account_id), symbol)
    return written(HeldBalance(symbol=symbol, **dict(amount)))


@router.post(
    "/balance/deposit",
    response_model=HeldBalance,
    responses=Seed003Route.refusals(*DEPOSITED) | PENDING,
    dependencies=SIGNED,
)
async def deposit_balance(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: Seed003DepositRequest, options: OptionsDep
) -> Response:
    """Bring demo money into your account, up to 100,000 a day."""
    if body.symbol.upper() not in DEPOSITABLE:
        raise malformed("/symbol", "is USDC: coins are traded by contract and not held")
    try:
        reply = await demo.deposit(dispatcher, caller.account_id, _micros(body), options)
    except ApiError as refusal:
        name_field(refusal, "/amount" if refusal.kind.code in OF_AMOUNT else None)
        raise
    account = await account_after(state, caller, reply)
    if account is None:
        return undecided(reply)
    _, amount = held(account, "USDC")
    return written(HeldBalance(symbol=body.symbol, **dict(amount)), headers=headers_of(reply))


@router.get(
    "/candles",
    response_model=candles.Buckets,
    responses=Seed003Route.refusals(MALFORMED, REFUSALS[Rejection.SYMBOL_UNKNOWN], DATABASE_UNAVAILABLE, RATE_LIMITED),
    dependencies=ANYONE,
)
async def list_buckets(
    state: StateDep,
    asset: Annotated[Text, Query(max_length=32, examples=["BTC_USDC"])],
    ts: Annotated[str, Query(max_length=8)] = "1m",
    start: Annotated[str | None, Query(alias="startTime", max_length=40, description="seconds since 1970")] = None,
    end: Annotated[str | None, Query(alias="endTime", max_length=40, description="seconds since 1970")] = None,
) -> Response:
    """Give the candles from startTime to endTime, oldest first; a time of 0 is no bound."""
    interval = candles.interval_of("ts", ts)
    since, until = candles.bounds(("startTime", "endTime"), start, end)
    found = await candles.oldest_first(state, asset, interval, since, until)
    return encoded({"data": [candles.bucket_of(candle, asset).model_dump() for candle in found]})


async def _open(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, body: Seed003OrderRequest, options: RequestOptions
) -> Response:
    trade = TradeOrder(
        asset=body.asset,
        side=SIDES[body.side],
        quantity=body.qty,
        leverage=body.leverage,
        stop_loss=body.stopLoss,
        take_profit=body.takeProfit,
    )
    order, reply = await open_position_of(state, dispatcher, caller, trade, options)
    if order is None or order.position_id is None:
        return undecided(reply, orderId=command_id_of(reply))
    return written(Done(message="Order created", orderId=order.position_id), headers=headers_of(reply))


def _micros(body: Seed003DepositRequest) -> int:
    if not 0 <= body.decimals <= MONEY_EXPONENT:
        raise malformed("/decimals", f"is 0 to {MONEY_EXPONENT}")
    return units_of("/amount", body.amount, MONEY_EXPONENT - body.decimals)


def _row(position: PositionReply) -> SeedOrder:
    return SeedOrder(
        id=position.id,
        symbol=short(position.symbol),
        orderType=position.side,
        quantity=digits(position.quantity),
        price=digits(position.entry_price),
        status=position.status,
        pnl=digits((position.realized_pnl if position.status == "closed" else position.unrealized_pnl) or "0"),
        createdAt=position.opened_at,
        closedAt=position.closed_at,
        exitPrice=digits_or_null(position.close_price),
        leverage=digits(position.leverage),
        takeProfit=digits_or_null(position.take_profit),
        stopLoss=digits_or_null(position.stop_loss),
        closeReason=None if position.close_reason is None else REASONS[position.close_reason],
    )
