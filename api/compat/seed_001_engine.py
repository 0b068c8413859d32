"""Seed 001's engine: the one route that takes its commands, each as what it is with us, answered in one envelope."""

import re
from decimal import Decimal
from time import perf_counter
from typing import Any, ClassVar, Final, NamedTuple
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from api.app_state import AppState, StateDep
from api.auth.caller import Caller, SignedInUser
from api.auth.key_permissions import check_command_scopes
from api.auth.limiting import take
from api.compat.declared import CLOSED, OPENED, PENDING, SCHEMES
from api.compat.names import short
from api.compat.replies import command_id_of, digits, digits_or_null, encoded, headers_of, written
from api.compat.routes import Seed001Route, SeedRoute
from api.compat.seed_001_commands import (
    CloseTrade,
    CreateAccount,
    CreateTrade,
    DeleteUser,
    EngineEnvelope,
    EngineRequest,
    EngineResponse,
    GetBalance,
    GetUsdBalance,
)
from api.compat.trading import TradeOrder, account_now, close_position_of, open_position_of
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import CAUGHT_UP_BY_EVENTS, LAG_HEADER
from api.dispatch.replies import Decided, Pending, Reply
from api.dispatch.request_options import OptionsDep, RequestOptions
from api.dispatch.unprojected import unprojected
from api.http.problems import LOGIN_TOO_OLD, REFUSALS, ApiError, Fault
from api.http.rate_limits import Bucket
from api.orders.schemas import OrderReply
from api.receipts import service as receipts
from api.users import deletion
from api.users.opening import account_opener
from schemas.events import PositionClosed
from schemas.ids import open_account_id
from schemas.messages import Side
from schemas.rejections import Rejection

LEVERAGE_MAX: Final = 10_000  # hundredths
TENTHS_MIN: Final = 1_000  # hundredths: a client that counts in tenths sends no less than 10
DONE_UNSEEN: Final = "Done, and not to be shown yet; look at Location"
_COMMAND: Final = re.compile(r"/[A-Z_]+(?=/)")


class EngineRoute(Seed001Route):
    """The engine's refusals: 400, in its envelope."""

    own_names: ClassVar = SeedRoute.own_names | {"/stop_loss": "/stopLossPrice", "/take_profit": "/takeProfitPrice"}

    @classmethod
    def own_pointer(cls, pointer: str) -> str:
        """Give the name of a field: which command it is of is no part of it."""
        return super().own_pointer(_COMMAND.sub("", pointer, count=1))

    def members(self, error: ApiError, request: Request) -> dict[str, Any]:
        """Give the envelope of a refusal."""
        order_id = str(error.members.get("command_id") or uuid4())
        engine_response = EngineResponse(orderId=order_id, status="error", message=error.detail)
        return super().members(error, request) | _envelope(request, engine_response, success=False).model_dump(
            exclude_none=True
        )


class EngineAnswer(NamedTuple):
    """What a command gave: null data while it is undecided."""

    order_id: str
    message: str
    data: dict[str, Any] | None
    headers: dict[str, str]


router = APIRouter(tags=["seed 001"], route_class=EngineRoute)


@router.post(
    "/api/v1/engine",
    response_model=EngineEnvelope,
    responses=EngineRoute.refusals(*OPENED, *CLOSED, REFUSALS[Rejection.ACCOUNT_EXISTS], LOGIN_TOO_OLD) | PENDING,
    dependencies=[*SCHEMES, CAUGHT_UP_BY_EVENTS],
)
async def execute(
    state: StateDep,
    dispatcher: DispatcherDep,
    caller: Caller,
    request: Request,
    response: Response,
    body: EngineRequest,
    options: OptionsDep,
) -> Response:
    """Execute one command, and say what came of it."""
    take(request, state, _bucket(body), caller.account_id)
    check_command_scopes(_scopes(body), caller.scopes)
    match body:
        case CreateAccount():
            answer = await _create_account(state, dispatcher, caller)
        case GetBalance() | GetUsdBalance():
            answer = await _balance(state, caller, usd_only=isinstance(body, GetUsdBalance))
        case CreateTrade():
            answer = await _open(state, dispatcher, caller, body, options)
        case CloseTrade():
            answer = await _close(state, dispatcher, caller, body, options)
        case DeleteUser():
            answer = await _delete(state, caller)
    decided = answer.data is not None
    engine_response = EngineResponse(
        orderId=answer.order_id,
        status="success" if decided else "pending",
        data=answer.data,
        message=answer.message,
    )
    lag = {LAG_HEADER: response.headers[LAG_HEADER]} if LAG_HEADER in response.headers else {}
    envelope = _envelope(request, engine_response, success=decided)
    if decided:
        return written(envelope, headers=answer.headers | lag)
    # As every answer that is not decided yet, it names the command and where it is to be looked for.
    content = envelope.model_dump(exclude_none=True) | {"command_id": answer.order_id, "status": "pending"}
    return encoded(content, 202, {"Location": f"/api/v1/commands/{answer.order_id}", "Retry-After": "1"})


async def _create_account(state: AppState, dispatcher: Dispatcher, caller: SignedInUser) -> EngineAnswer:
    command_id = open_account_id(caller.account_id)
    headers = await account_opener(state, dispatcher).open_if_unopened(caller.user)
    try:
        account = await account_now(state, caller.account_id)
    except (ApiError, SQLAlchemyError) as error:
        if not headers:
            raise  # Nothing was opened now.
        structlog.get_logger().warning("account not read after its opening", error=str(error))
        return EngineAnswer(command_id, DONE_UNSEEN, None, {})
    data = {
        "email": caller.user.email,
        "initialUsdBalance": digits(account.balance),
        "assets": ["USD", *(short(symbol) for symbol in state.prices.instruments)],
    }
    return EngineAnswer(command_id, "Account created successfully", data, headers)


async def _balance(state: AppState, caller: SignedInUser, *, usd_only: bool) -> EngineAnswer:
    free = digits((await account_now(state, caller.account_id)).free_margin)
    data: dict[str, Any] = {"email": caller.user.email}
    if usd_only:
        data["usdBalance"] = free
    else:
        data["balances"] = {"USD": free} | {short(symbol): 0 for symbol in state.prices.instruments}
    return EngineAnswer(str(uuid4()), "Balance retrieved successfully", data, {})


async def _open(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, body: CreateTrade, options: RequestOptions
) -> EngineAnswer:
    if body.leverage is not None and body.leverage > LEVERAGE_MAX:
        detail = "leverage is 1 to 100 and 50 means 50x; the old scale of tenths, 10 to 1000, is not used: send a tenth"
        raise ApiError(
            REFUSALS[Rejection.LEVERAGE_OUT_OF_RANGE], detail, faults=[Fault(pointer="/leverage", message=detail)]
        )
    side: Side = "long" if body.direction == "LONG" else "short"
    trade = TradeOrder(
        asset=body.asset,
        side=side,
        margin=body.margin,
        leverage=body.leverage,
        slippage_bps=body.slippage,
        stop_loss=body.stopLossPrice,
        take_profit=body.takeProfitPrice,
    )
    order, reply = await open_position_of(state, dispatcher, caller, trade, options)
    if order is None or order.position_id is None:
        return _pending(reply)
    return _opened(caller, body, order, headers_of(reply))


def _opened(caller: SignedInUser, body: CreateTrade, order: OrderReply, headers: dict[str, str]) -> EngineAnswer:
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
    return EngineAnswer(order.command_id, f"Trade created successfully{_leverage_note(body)}", present, headers)


def _leverage_note(body: CreateTrade) -> str:
    """Say which leverage it is, where a screen that counts in tenths shows its user another one."""
    if body.leverage is None or body.leverage < TENTHS_MIN:
        return ""
    leverage, tenths = (digits(str(Decimal(body.leverage).scaleb(places))) for places in (-2, -3))
    return f" at {leverage}x: leverage is as the README says; a screen that counts it in tenths shows {tenths}x"


async def _close(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, body: CloseTrade, options: RequestOptions
) -> EngineAnswer:
    position, reply = await close_position_of(state, dispatcher, caller, body.tradeId, options)
    if position is None or position.receipt_id is None:
        return _pending(reply)
    if isinstance(reply, Decided) and isinstance(reply.outcome.event, PositionClosed):
        instrument = state.prices.instruments[position.symbol]
        receipt = receipts.receipt_of(position.receipt_id, reply.outcome.event, instrument)
    else:
        try:
            receipt = await receipts.find(
                dispatcher.lookup, unprojected(state), state.prices, caller.account_id, position.receipt_id
            )
        except (ApiError, SQLAlchemyError) as error:
            structlog.get_logger().warning("receipt not read", position_id=position.id, error=str(error))
            return _pending(reply)
    data = {
        "email": caller.user.email,
        "tradeId": position.id,
        "asset": position.symbol,
        "marginReturned": digits(receipt.margin),
        "pnl": digits(receipt.realized_pnl),
        "totalReturn": digits(receipt.margin_returned),
        "closePrice": digits(receipt.close_price),
    }
    return EngineAnswer(command_id_of(reply), "Trade closed successfully", data, headers_of(reply))


async def _delete(state: AppState, caller: SignedInUser) -> EngineAnswer:
    waiting = await deletion.delete_user(state.database, state.deletions, caller)
    data = {"email": caller.user.email, "tradesToClose": waiting}
    return EngineAnswer(str(uuid4()), "User deleted successfully", data, {})


def _bucket(body: BaseModel) -> Bucket:
    """What ends a position never waits for the rest."""
    match body:
        case GetBalance() | GetUsdBalance():
            return "reads"
        case CloseTrade() | DeleteUser():
            return "closing"
        case _:
            return "orders"


def _scopes(body: BaseModel) -> tuple[str, ...]:
    """Say which scopes of a key a command needs; the deletion of the user takes a login, which it checks by itself."""
    match body:
        case GetBalance() | GetUsdBalance():
            return ("read",)
        case CreateAccount():  # Its answer has the balance.
            return ("trade", "read")
        case _:
            return ("trade",)


def _pending(reply: Reply) -> EngineAnswer:
    message = "Not decided yet; look at Location" if isinstance(reply, Pending) else DONE_UNSEEN
    return EngineAnswer(command_id_of(reply), message, None, {})


def _envelope(request: Request, engine_response: EngineResponse, *, success: bool) -> EngineEnvelope:
    latency = round((perf_counter() - request.state.came_at) * 1_000)
    return EngineEnvelope(
        success=success, orderId=engine_response.orderId, engineResponse=engine_response, latency=latency
    )
