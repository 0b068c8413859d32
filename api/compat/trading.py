"""How a seed's trade becomes a position and is closed again, by the id of the position or of its order."""

import re
from typing import Final, NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.accounts import service as accounts
from api.accounts.schemas import AccountReply
from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.compat.guard_prices import guard_price
from api.compat.names import instrument_named
from api.dispatch.account_lookup import account_lookup
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import Pending, Reply
from api.dispatch.request_options import RequestOptions
from api.http.problems import NOT_FOUND, REFUSALS, ApiError, Fault
from api.orders import service as orders
from api.orders.schemas import OrderReply, OrderRequest
from api.positions import service as positions
from api.positions.lookup import position_lookup
from api.positions.schemas import PositionReply
from schemas.messages import Side
from schemas.rejections import Rejection

WHOLE: Final = 100  # leverage of 1x, in hundredths
NOT_OPEN: Final = REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404)
# Which field a refusal of an order is about; what is about its size is about margin or quantity, whichever was sent.
FIELDS: Final = {
    Rejection.LEVERAGE_OUT_OF_RANGE: "/leverage",
    Rejection.LIQUIDATABLE_AT_ONCE: "/leverage",
    Rejection.SLIPPAGE_EXCEEDED: "/slippage",
    Rejection.STOP_LOSS_WRONG_SIDE: "/stop_loss",
    Rejection.TAKE_PROFIT_WRONG_SIDE: "/take_profit",
}
SIZES: Final = (
    *(Rejection.AMOUNT_NOT_POSITIVE, Rejection.BELOW_MINIMUM, Rejection.ABOVE_MAXIMUM),
    *(Rejection.POSITION_NOTIONAL_LIMIT, Rejection.ACCOUNT_NOTIONAL_LIMIT, Rejection.INSUFFICIENT_MARGIN),
)
_POSITION: Final = re.compile(r"[0-9]{1,5}-[0-9]{1,19}", re.ASCII)


class TradeOrder(NamedTuple):
    """What a seed's client asks for. margin: micros; leverage: hundredths; quantity and prices: digits."""

    asset: str
    side: Side
    margin: int | None = None
    quantity: str | None = None
    leverage: int | None = None
    slippage_bps: int | None = None
    stop_loss: str | None = None
    take_profit: str | None = None


async def open_position_of(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, trade: TradeOrder, options: RequestOptions
) -> tuple[OrderReply | None, Reply]:
    """Open a position; no order where its outcome is undecided."""
    instrument = instrument_named(state, trade.asset)
    guarded = trade.slippage_bps is not None
    request = OrderRequest.model_construct(
        symbol=instrument.symbol,
        side=trade.side,
        margin=trade.margin,
        quantity=trade.quantity,
        leverage=WHOLE if trade.leverage is None else trade.leverage,
        slippage_bps=trade.slippage_bps,
        expected_price=await guard_price(state, caller, instrument, trade.side, options) if guarded else None,
        stop_loss=trade.stop_loss,
        take_profit=trade.take_profit,
    )
    try:
        return await orders.place(dispatcher, state.database, state.prices, caller, request, options)
    except ApiError as refusal:
        name_field(refusal, _field_of(refusal, trade))
        raise


def name_field(refusal: ApiError, pointer: str | None) -> None:
    """Add to a refusal of the core which field it is about."""
    if pointer is not None and refusal.faults is None:
        refusal.faults = [Fault(pointer=pointer, message=refusal.detail)]


async def close_position_of(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, trade_id: str, options: RequestOptions
) -> tuple[PositionReply | None, Reply]:
    """Close a position, named by its own id or by its order's; no position where the outcome is undecided."""
    position_id = await _position_id(state, dispatcher, caller.account_id, trade_id)
    return await positions.close(dispatcher, position_lookup(state), caller, position_id, options)


async def find_position_of(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, trade_id: str
) -> PositionReply:
    """Give one of the caller's positions."""
    position_id = await _position_id(state, dispatcher, caller.account_id, trade_id)
    return await position_lookup(state).find(caller.account_id, position_id)


async def account_now(state: AppState, account_id: str) -> AccountReply:
    """Give the account as its last event left it; ApiError where nobody knows that now."""
    return await accounts.current(account_lookup(state), account_id)


async def account_after(state: AppState, caller: SignedInUser, reply: Reply) -> AccountReply | None:
    """Give the account as a command left it; null while that is undecided, or cannot be said: then it is done."""
    if isinstance(reply, Pending):
        return None
    try:
        return await account_now(state, caller.account_id)
    except (ApiError, SQLAlchemyError) as error:
        structlog.get_logger().warning("account not read after a command", error=str(error))
        return None


def _field_of(refusal: ApiError, trade: TradeOrder) -> str | None:
    rejection = Rejection.__members__.get(refusal.kind.code)
    if rejection in SIZES:
        return "/quantity" if trade.margin is None else "/margin"
    return None if rejection is None else FIELDS.get(rejection)


async def _position_id(state: AppState, dispatcher: Dispatcher, account_id: str, trade_id: str) -> str:
    name = trade_id.removeprefix("pos_")
    if _POSITION.fullmatch(name):
        return name
    try:
        order = await orders.find(dispatcher.lookup, state.database, state.prices, account_id, name)
    except ApiError as error:
        if error.kind != NOT_FOUND:
            raise  # Whether there is such an order is not known now.
        raise ApiError(NOT_OPEN) from error
    if order.position_id is None:
        raise ApiError(NOT_OPEN)
    return order.position_id
