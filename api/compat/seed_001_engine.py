"""Seed 001's engine: the one route that takes its commands, each as what it is with us, answered in one envelope."""

from time import perf_counter
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.accounts import service as accounts
from api.app_state import Api, Parts
from api.auth.caller import Caller, Signed
from api.auth.limiting import take
from api.compat.declared import CLOSED, OPENED, PENDING, SCHEMES
from api.compat.names import short
from api.compat.replies import command_id_of, digits, digits_or_null, encoded, headers_of, written
from api.compat.routes import BadRequestRoute
from api.compat.tickets import Wanted, close_ticket, open_ticket, until_shown
from api.dispatch.dispatcher import Reply, Undecided
from api.dispatch.read_your_writes import CAUGHT_UP, LAG_HEADER
from api.dispatch.request_options import Asked, Asking
from api.http.numbers import Leverage, Money, Number, Text, Whole
from api.http.problems import REFUSALS, ApiError
from api.http.rate_limits import Bucket
from api.receipts import service as receipts
from api.users import deletion
from api.users.service import open_account
from schemas.ids import open_account_id
from schemas.messages import Side
from schemas.rejections import Rejection

LEVERAGE_MAX: Final = 10_000  # hundredths


class CreateAccount(BaseModel):
    """Have an account; it is opened at sign-up, and asking again changes nothing."""

    command: Literal["CREATE_ACCOUNT"]


class GetBalance(BaseModel):
    """Give the free money, and nothing of any coin."""

    command: Literal["GET_BALANCE"]


class GetUsdBalance(BaseModel):
    """Give the free money."""

    command: Literal["GET_USD_BALANCE"]


class CreateTrade(BaseModel):
    """Open a position at the market's price. leverage: 1 to 100, as the README says."""

    command: Literal["CREATE_TRADE"]
    asset: Annotated[Text, Field(max_length=32, examples=["SOL_USDC"])]
    direction: Literal["LONG", "SHORT"]
    margin: Money
    leverage: Leverage | None = None
    slippage: Whole | None = Field(default=None, description="not used: there is no price it could start from")
    stopLossPrice: Number | None = None  # noqa: N815  # The seed's own names.
    takeProfitPrice: Number | None = None  # noqa: N815


class CloseTrade(BaseModel):
    """Close a position whole."""

    command: Literal["CLOSE_TRADE"]
    tradeId: Annotated[Text, Field(max_length=64, examples=["2-17"])]  # noqa: N815


class DeleteUser(BaseModel):
    """Forget who you are and close what is open; the ledger is kept."""

    command: Literal["DELETE_USER"]


EngineRequest = Annotated[
    CreateAccount | GetBalance | GetUsdBalance | CreateTrade | CloseTrade | DeleteUser, Field(discriminator="command")
]


class EngineResponse(BaseModel):
    """What the engine said."""

    orderId: str  # noqa: N815
    status: Literal["success", "pending", "error"]
    data: dict[str, Any] | None = None
    message: str


class Envelope(BaseModel):
    """A command's answer. orderId: our command id; latency: milliseconds."""

    success: bool
    orderId: str  # noqa: N815
    engineResponse: EngineResponse  # noqa: N815
    latency: int


class EngineRoute(BadRequestRoute):
    """The engine's refusals: 400, in its envelope."""

    def members(self, error: ApiError, request: Request) -> dict[str, Any]:
        """Give the envelope of a refusal."""
        order_id = str(error.members.get("command_id") or uuid4())
        said = EngineResponse(orderId=order_id, status="error", message=error.detail)
        return super().members(error, request) | _envelope(request, said, success=False).model_dump(exclude_none=True)


class Answer(NamedTuple):
    """What a command gave: null data while it is undecided."""

    order_id: str
    message: str
    data: dict[str, Any] | None
    headers: dict[str, str]


router = APIRouter(tags=["seed 001"], route_class=EngineRoute)


@router.post(
    "/api/v1/engine",
    response_model=Envelope,
    responses=EngineRoute.refusals(*OPENED, *CLOSED, REFUSALS[Rejection.ACCOUNT_EXISTS]) | PENDING,
    dependencies=[*SCHEMES, CAUGHT_UP],
)
async def execute(
    parts: Api, caller: Caller, request: Request, response: Response, body: EngineRequest, asked: Asking
) -> Response:
    """Execute one command, and say what came of it."""
    take(request, parts, _bucket(body), caller.account_id)
    match body:
        case CreateAccount():
            answer = await _create_account(parts, caller)
        case GetBalance() | GetUsdBalance():
            answer = await _balance(parts, caller, usd_only=isinstance(body, GetUsdBalance))
        case CreateTrade():
            answer = await _open(parts, caller, body, asked)
        case CloseTrade():
            answer = await _close(parts, caller, body, asked)
        case DeleteUser():
            answer = await _delete(parts, caller)
    decided = answer.data is not None
    said = EngineResponse(
        orderId=answer.order_id,
        status="success" if decided else "pending",
        data=answer.data,
        message=answer.message,
    )
    lag = {LAG_HEADER: response.headers[LAG_HEADER]} if LAG_HEADER in response.headers else {}
    envelope = _envelope(request, said, success=decided)
    if decided:
        return written(envelope, headers=answer.headers | lag)
    # As every answer that is not decided yet, it names the command and where it is to be looked for.
    content = envelope.model_dump(exclude_none=True) | {"command_id": answer.order_id, "status": "pending"}
    return encoded(content, 202, {"Location": f"/api/v1/commands/{answer.order_id}", "Retry-After": "1"})


async def _create_account(parts: Parts, caller: Signed) -> Answer:
    headers = {} if caller.user.account_opened else await open_account(parts, caller.user)
    account = await accounts.find(parts, caller.account_id)
    data = {
        "email": caller.user.email,
        "initialUsdBalance": digits(account.balance),
        "assets": ["USD", *(short(symbol) for symbol in parts.prices.instruments)],
    }
    return Answer(open_account_id(caller.account_id), "Account created successfully", data, headers)


async def _balance(parts: Parts, caller: Signed, *, usd_only: bool) -> Answer:
    free = digits((await accounts.find(parts, caller.account_id)).free_margin)
    data: dict[str, Any] = {"email": caller.user.email}
    if usd_only:
        data["usdBalance"] = free
    else:
        data["balances"] = {"USD": free} | {short(symbol): 0 for symbol in parts.prices.instruments}
    return Answer(str(uuid4()), "Balance retrieved successfully", data, {})


async def _open(parts: Parts, caller: Signed, body: CreateTrade, asked: Asked) -> Answer:
    if body.leverage is not None and body.leverage > LEVERAGE_MAX:
        raise ApiError(
            REFUSALS[Rejection.LEVERAGE_OUT_OF_RANGE],
            "leverage is 1 to 100 and 50 means 50x; the old scale of tenths, 10 to 1000, is not used: send a tenth",
        )
    side: Side = "long" if body.direction == "LONG" else "short"
    wanted = Wanted(
        asset=body.asset,
        side=side,
        margin=body.margin,
        leverage=body.leverage,
        stop_loss=body.stopLossPrice,
        take_profit=body.takeProfitPrice,
    )
    order, reply = await open_ticket(parts, caller, wanted, asked)
    if order is None or order.position_id is None:
        return _pending(reply)
    data = {
        "email": caller.user.email,
        "tradeId": order.position_id,
        "entryPrice": digits_or_null(order.price),
        "liquidationPrice": digits_or_null(order.liquidation_price),
        "stopLossPrice": digits_or_null(body.stopLossPrice),
        "takeProfitPrice": digits_or_null(body.takeProfitPrice),
        "margin": digits_or_null(order.margin),
        "leverage": digits_or_null(order.leverage),
        "quantity": digits_or_null(order.quantity),
        "warnings": list(order.warnings) or None,
    }
    present = {name: value for name, value in data.items() if value is not None}
    return Answer(order.command_id, "Trade created successfully", present, headers_of(reply))


async def _close(parts: Parts, caller: Signed, body: CloseTrade, asked: Asked) -> Answer:
    position, reply = await close_ticket(parts, caller, body.tradeId, asked)
    if position is None or position.receipt_id is None:
        return _pending(reply)
    await until_shown(parts, reply)
    receipt = await receipts.find(parts, caller.account_id, position.receipt_id)
    data = {
        "email": caller.user.email,
        "tradeId": position.id,
        "asset": position.symbol,
        "marginReturned": digits(receipt.margin),
        "pnl": digits(receipt.realized_pnl),
        "totalReturn": digits(receipt.margin_returned),
        "closePrice": digits(receipt.close_price),
    }
    return Answer(command_id_of(reply), "Trade closed successfully", data, headers_of(reply))


async def _delete(parts: Parts, caller: Signed) -> Answer:
    waiting = await deletion.delete_user(parts, caller.user)
    data = {"email": caller.user.email, "tradesToClose": waiting}
    return Answer(str(uuid4()), "User deleted successfully", data, {})


def _bucket(body: BaseModel) -> Bucket:
    """What ends a position never waits for the rest."""
    match body:
        case GetBalance() | GetUsdBalance():
            return "reads"
        case CloseTrade() | DeleteUser():
            return "closing"
        case _:
            return "orders"


def _pending(reply: Reply) -> Answer:
    message = "Not decided yet" if isinstance(reply, Undecided) else "Done, and not to be shown yet"
    return Answer(command_id_of(reply), f"{message}; look at Location", None, {})


def _envelope(request: Request, said: EngineResponse, *, success: bool) -> Envelope:
    latency = round((perf_counter() - request.state.came_at) * 1_000)
    return Envelope(success=success, orderId=said.orderId, engineResponse=said, latency=latency)
