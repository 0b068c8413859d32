"""Seed 001's routes of a user, which its published screen calls: their login, and their orders and trades."""

from decimal import Decimal
from typing import Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.app_state import AppState, StateDep
from api.auth.caller import Caller, InPerson
from api.auth.cross_site import refuse_cross_site
from api.compat.declared import ANYONE, NEW_USER, READ, SIGNED, SIGNED_IN, SIGNED_UP
from api.compat.replies import digits, encoded, written
from api.compat.routes import Seed001Route
from api.compat.sessions import SignIn, SignUp, Welcome, sign_in, sign_up, welcome
from api.credentials.cookies import forget_device, take_back_cookies
from api.dispatch.dispatcher import DispatcherDep
from api.dispatch.read_your_writes import CAUGHT_UP_OR_REFUSED
from api.http.cursors import LIMIT_MAX
from api.http.problems import CROSS_SITE_REQUEST, LOGIN_TOO_OLD, ROLE_READ_ONLY, SCOPE_MISSING
from api.http.times import text_of
from api.users import deletion
from api.users.schemas import UserReply, user_reply
from projector import queries
from projector.queries import PositionRow
from schemas.messages import CloseReason
from schemas.units import LEVERAGE_EXPONENT, MONEY_EXPONENT

PREFIX: Final = "/api/v1/user"
USD_PLACES: Final = 4
PRICE_PLACES: Final = 6
TENTHS: Final = 1  # the places of a leverage as this seed counts it: 22.5x is 225
STATUSES: Final[dict[CloseReason, str]] = {
    "manual": "CLOSED",
    "stop_loss": "STOP_LOSS",
    "take_profit": "TAKE_PROFIT",
    "trailing_stop": "STOP_LOSS",
    "liquidation": "LIQUIDATED",
    "admin": "CLOSED",
    "account_closed": "CLOSED",
}


class UserOrder(BaseModel):
    """The command that opened a position. amount: the margin in 0.0001 USD; leverage: in tenths."""

    orderId: str  # noqa: N815  # The seed's own names.
    command: str = "CREATE_TRADE"
    status: str = Field(examples=["OPEN"])
    asset: str = Field(examples=["SOL_USDC"])
    direction: str = Field(examples=["LONG"])
    amount: str
    leverage: str = Field(examples=["100"])
    tradeId: str = Field(examples=["2-17"])  # noqa: N815
    id: int
    latencyMs: int | None = Field(default=None, description="not kept here")  # noqa: N815


class UserOrders(BaseModel):
    """A user's orders, newest first."""

    success: bool = True
    orders: list[UserOrder]
    count: int


class UserTrade(BaseModel):
    """A position. margin, pnl: in 0.0001 USD; leverage: in tenths; a price: an integer of 10^-decimals."""

    tradeId: str = Field(examples=["2-17"])  # noqa: N815
    asset: str = Field(examples=["SOL_USDC"])
    direction: str = Field(examples=["LONG"])
    margin: str
    leverage: str
    entryPrice: str  # noqa: N815
    entryPriceDecimals: int = PRICE_PLACES  # noqa: N815
    liquidationPrice: str | None  # noqa: N815
    liquidationPriceDecimals: int = PRICE_PLACES  # noqa: N815
    stopLossPrice: str | None  # noqa: N815
    takeProfitPrice: str | None  # noqa: N815
    triggerDecimals: int = PRICE_PLACES  # noqa: N815
    exitPrice: str | None  # noqa: N815
    exitPriceDecimals: int = PRICE_PLACES  # noqa: N815
    pnl: str | None
    status: str
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    id: int


class UserTrades(BaseModel):
    """A user's positions, newest first."""

    success: bool = True
    trades: list[UserTrade]
    count: int


class UserDeleted(BaseModel):
    """A user who is gone."""

    success: bool = True
    message: str = "User account deleted successfully"
    userId: str  # noqa: N815
    email: str


async def same_site(state: StateDep, request: Request) -> None:
    """Refuse a page of another site: the seed's server lets in those of its settings."""
    refuse_cross_site(request, state.settings)


SAME_SITE: Final = Depends(same_site)
router = APIRouter(prefix=PREFIX, tags=["seed 001"], route_class=Seed001Route)
READING: Final = Seed001Route.refusals(*READ)


@router.post(
    "/signup",
    status_code=201,
    response_model=Welcome,
    responses=Seed001Route.refusals(*SIGNED_UP),
    dependencies=[*NEW_USER, SAME_SITE],
)
async def signup_user(state: StateDep, dispatcher: DispatcherDep, request: Request, body: SignUp) -> Response:
    """Make a user and their account, and sign them in for a day."""
    session = await sign_up(state, dispatcher, request, body)
    return welcome(state, session, request, "authToken", "User created successfully", 201)


@router.post(
    "/signin",
    response_model=Welcome,
    responses=Seed001Route.refusals(*SIGNED_IN),
    dependencies=[*ANYONE, SAME_SITE],
)
async def signin_user(state: StateDep, dispatcher: DispatcherDep, request: Request, body: SignIn) -> Response:
    """Sign in for a day."""
    session = await sign_in(state, dispatcher, request, body)
    return welcome(state, session, request, "authToken", "Signin successful")


@router.get("/me", response_model=UserReply, responses=READING, dependencies=SIGNED)
async def me_of_user(caller: InPerson) -> Response:
    """Say who is signed in."""
    return encoded(user_reply(caller.user).model_dump())


@router.get("/orders", response_model=UserOrders, responses=READING, dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED])
async def orders_of_user(state: StateDep, caller: Caller) -> Response:
    """List the orders that opened your last five hundred positions."""
    rows = await _positions(state, caller.account_id)
    return encoded(UserOrders(orders=[_order(row) for row in rows], count=len(rows)).model_dump())


@router.get("/trades", response_model=UserTrades, responses=READING, dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED])
async def trades_of_user(state: StateDep, caller: Caller) -> Response:
    """List your last five hundred positions."""
    rows = await _positions(state, caller.account_id)
    return encoded(UserTrades(trades=[_trade(state, row) for row in rows], count=len(rows)).model_dump())


@router.delete(
    "/delete",
    response_model=UserDeleted,
    responses=Seed001Route.refusals(*READ, CROSS_SITE_REQUEST, SCOPE_MISSING, ROLE_READ_ONLY, LOGIN_TOO_OLD),
    dependencies=SIGNED,
)
async def delete_of_user(state: StateDep, caller: InPerson) -> Response:
    """Forget who you are and close what is open, within fifteen minutes of a login; the ledger is kept."""
    await deletion.delete_user(state.database, state.deletions, caller)
    response = written(UserDeleted(userId=str(caller.user.user_id), email=caller.user.email))
    take_back_cookies(response)
    forget_device(response)
    return response


async def _positions(state: AppState, account_id: str) -> list[PositionRow]:
    found = await state.database.ask(lambda db: queries.positions(db, account_id, status="all", limit=LIMIT_MAX))
    return found.items


def _order(row: PositionRow) -> UserOrder:
    return UserOrder(
        orderId=row.command_id or row.position_id,
        status=_status(row),
        asset=row.symbol,
        direction=row.side.upper(),
        amount=_usd(row.margin),
        leverage=_tenths(row.leverage),
        tradeId=row.position_id,
        id=row.opened_seq,
    )


def _trade(state: AppState, row: PositionRow) -> UserTrade:
    exponent = state.prices.instruments[row.symbol].tick_exponent

    def scaled(ticks: int | None) -> str | None:
        return None if ticks is None else str(ticks * 10 ** (PRICE_PLACES - exponent))

    return UserTrade(
        tradeId=row.position_id,
        asset=row.symbol,
        direction=row.side.upper(),
        margin=_usd(row.margin),
        leverage=_tenths(row.leverage),
        entryPrice=str(scaled(row.entry_price)),
        liquidationPrice=scaled(row.liquidation_price),
        stopLossPrice=scaled(row.stop_loss),
        takeProfitPrice=scaled(row.take_profit),
        exitPrice=scaled(row.close_price),
        pnl=None if row.realized_pnl is None else _usd(row.realized_pnl),
        status=_status(row),
        createdAt=text_of(row.opened_at),
        updatedAt=text_of(row.opened_at if row.closed_at is None else row.closed_at),
        id=row.opened_seq,
    )


def _status(row: PositionRow) -> str:
    return "OPEN" if row.close_reason is None else STATUSES[row.close_reason]


def _usd(micros: int) -> str:
    return str(micros // 10 ** (MONEY_EXPONENT - USD_PLACES))


def _tenths(hundredths: int) -> str:
    """Write a leverage in tenths; the hundredths that this seed had no place for are decimals."""
    return str(digits(str(Decimal(hundredths).scaleb(TENTHS - LEVERAGE_EXPONENT))))
