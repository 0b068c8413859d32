"""Seed 000's interface: trades by margin and leverage, and a balance in cents."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.app_state import AppState, StateDep
from api.auth.caller import Caller, SignedInUser
from api.compat.balances import Purse, Scaled, cents_of, held, purse_of
from api.compat.declared import ANYONE, CLOSED, OPENED, PENDING, READ, SIGNED
from api.compat.names import short
from api.compat.replies import command_id_of, encoded, headers_of, undecided, written
from api.compat.routes import SeedRoute
from api.compat.slippage import Slippage
from api.compat.trading import TradeOrder, account_after, account_now, close_position_of, open_position_of
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import KNOWN_OR_REFUSED
from api.dispatch.request_options import OptionsDep, RequestOptions
from api.http.numbers import Leverage, Money, Text
from api.http.problems import RATE_LIMITED
from api.http.seed_clients import PORT_OF_SEED_001, port_of
from schemas.messages import Side

NAMES: Final = {"BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana"}
TRADE_ID: Final = "/trades/{order_id}/close"


class TradeRequest(BaseModel):
    """Open a position at the market's price."""

    asset: Annotated[Text, Field(max_length=32, examples=["BTC"])]
    type: Side
    margin: Money
    leverage: Leverage | None = None
    slippage: Slippage | None = None


class Seed000CloseRequest(BaseModel, title="CloseRequest"):
    """Close a trade whole."""

    orderId: Annotated[Text, Field(max_length=64, examples=["2-17"])]  # noqa: N815  # The seed's own name.


class Trade(BaseModel):
    """A trade that was opened."""

    orderId: str = Field(examples=["2-17"])  # noqa: N815


class Seed000Closed(BaseModel, title="Closed"):
    """What is free after a trade was closed, in cents."""

    balance: int


class Asset(BaseModel):
    """What may be traded."""

    symbol: str = Field(examples=["BTC"])
    name: str
    imageUrl: str = ""  # noqa: N815


class Assets(BaseModel):
    """All of it."""

    assets: list[Asset]


router = APIRouter(tags=["seed 000"], route_class=SeedRoute)
OPENING: Final = SeedRoute.refusals(*OPENED) | PENDING
CLOSING: Final = SeedRoute.refusals(*CLOSED) | PENDING
READING: Final = SeedRoute.refusals(*READ)


@router.post("/trades", status_code=201, response_model=Trade, responses=OPENING, dependencies=SIGNED)
async def create_trade(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: TradeRequest, options: OptionsDep
) -> Response:
    """Open a position, guarded by `slippage` from the price as it is when the order first comes."""
    return await _open(state, dispatcher, caller, body, options)


@router.post("/api/v1/trade/create", status_code=201, response_model=Trade, responses=OPENING, dependencies=SIGNED)
async def create_trade_v1(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: TradeRequest, options: OptionsDep
) -> Response:
    """Open a position, guarded by `slippage` from the price as it is when the order first comes."""
    return await _open(state, dispatcher, caller, body, options)


@router.post(TRADE_ID, response_model=Seed000Closed, responses=CLOSING, dependencies=SIGNED)
async def close_trade(
    state: StateDep,
    dispatcher: DispatcherDep,
    caller: Caller,
    order_id: Annotated[Text, Path(max_length=64)],
    options: OptionsDep,
) -> Response:
    """Close a trade of yours at the market's price."""
    return await _close(state, dispatcher, caller, order_id, options)


@router.post("/api/v1/trade/close", response_model=Seed000Closed, responses=CLOSING, dependencies=SIGNED)
async def close_trade_v1(
    state: StateDep, dispatcher: DispatcherDep, caller: Caller, body: Seed000CloseRequest, options: OptionsDep
) -> Response:
    """Close a trade of yours at the market's price."""
    return await _close(state, dispatcher, caller, body.orderId, options)


@router.get("/api/v1/balance", response_model=Purse, responses=READING, dependencies=[*SIGNED, KNOWN_OR_REFUSED])
async def balance_v1(state: StateDep, caller: Caller) -> Response:
    """Give the free money, in cents."""
    return written(purse_of(await account_now(state, caller.account_id), caller))


@router.get(
    "/api/v1/balance/{asset}",
    response_model=dict[str, Scaled],
    responses=READING,
    dependencies=[*SIGNED, KNOWN_OR_REFUSED],
)
async def balance_of_asset_v1(state: StateDep, caller: Caller, asset: Annotated[Text, Path(max_length=32)]) -> Response:
    """Give one asset's amount, under its name."""
    _, amount = held(await account_now(state, caller.account_id), asset)
    return encoded({asset: amount.model_dump()})


@router.get("/api/v1/supportedAssets", responses=SeedRoute.refusals(RATE_LIMITED), dependencies=ANYONE)
async def supported_assets(state: StateDep, request: Request) -> Assets | list[str]:
    """List what may be traded; at seed 001's port as that seed does, by their whole names."""
    if port_of(request.scope) == PORT_OF_SEED_001:
        return list(state.prices.instruments)
    symbols = [short(symbol) for symbol in state.prices.instruments]
    return Assets(assets=[Asset(symbol=symbol, name=NAMES.get(symbol, symbol)) for symbol in symbols])


async def _open(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, body: TradeRequest, options: RequestOptions
) -> Response:
    trade = TradeOrder(
        asset=body.asset,
        side=body.type,
        margin=body.margin,
        leverage=body.leverage,
        slippage_bps=body.slippage,
    )
    order, reply = await open_position_of(state, dispatcher, caller, trade, options)
    if order is None or order.position_id is None:
        return undecided(reply, orderId=command_id_of(reply))
    return written(Trade(orderId=order.position_id), 201, headers_of(reply))


async def _close(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, trade_id: str, options: RequestOptions
) -> Response:
    position, reply = await close_position_of(state, dispatcher, caller, trade_id, options)
    if position is None:
        return undecided(reply, orderId=trade_id)
    account = await account_after(state, caller, reply)
    if account is None:
        return undecided(reply, orderId=trade_id)
    return written(Seed000Closed(balance=cents_of(account)), headers=headers_of(reply))
