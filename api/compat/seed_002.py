"""Seed 002's interface: spot orders that are pending at once, and what came of them. Its logins are shared."""

from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

from fastapi import APIRouter, Path, Request, WebSocket
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.app_state import AppState, StateDep
from api.auth.caller import Caller, SignedInUser
from api.auth.limiting import take
from api.compat import spot, spot_store
from api.compat.declared import OPENED, READ, SCHEMES, SIGNED
from api.compat.names import spot as spot_name
from api.compat.replies import Digits, digits, encoded, written
from api.compat.routes import SeedRoute
from api.compat.spot import SpotRequest
from api.compat.spot_stream import SpotStream
from api.compat.spot_views import SpotView, of_progress, of_venue_row
from api.compat.venue_prices import VenuePrices
from api.dispatch.dispatcher import Dispatcher, DispatcherDep
from api.dispatch.read_your_writes import CAUGHT_UP_OR_REFUSED
from api.dispatch.request_options import OptionsDep, RequestOptions
from api.http.numbers import Number, Text
from api.http.problems import BROKER_UNAVAILABLE, CROSS_SITE_REQUEST, ORDER_NOT_OPEN, ApiError
from api.venue import keys
from api.venue import service as venue
from api.venue.service import VenueOrderRequest
from projector import queries
from schemas.units import MONEY_EXPONENT

PLACES: Final = Decimal("0.00000001")
OrderId = Annotated[Text, Path(max_length=64)]


class Seed002OrderRequest(BaseModel, title="OrderRequest"):
    """A spot order. With stored keys the venue executes it; without, BUY opens a long of 1x and SELL reduces those."""

    symbol: Annotated[Text, Field(max_length=32, examples=["BTCUSDT"])]
    side: Literal["BUY", "SELL"]
    type: Literal["MARKET", "LIMIT", "STOP_MARKET"]
    quantity: Number
    price: Number | None = None


class Submitted(BaseModel):
    """An order that was taken; what comes of it is told by ORDER_UPDATE and in the list."""

    orderId: str  # noqa: N815  # The seed's own name.
    status: Literal["PENDING"] = "PENDING"
    message: str = "Order submitted for execution"


class Cancelling(BaseModel):
    """An order whose cancellation is asked for; whether it came in time is told by ORDER_UPDATE and in the list."""

    orderId: str  # noqa: N815
    message: str = "Cancellation submitted"


class NetPosition(BaseModel):
    """What is held of a symbol, net."""

    symbol: str = Field(examples=["BTCUSDT"])
    quantity: Digits
    avgEntryPrice: Digits  # noqa: N815
    unrealizedPnl: Digits  # noqa: N815
    realizedPnl: Digits  # noqa: N815


class Seed002Route(SeedRoute):
    """This seed answers what it cannot take with 400."""

    refused_as: ClassVar[dict[int, int]] = {409: 400, 422: 400}


router = APIRouter(tags=["seed 002"], route_class=Seed002Route)


@router.post(
    "/api/trading/orders", response_model=Submitted, responses=Seed002Route.refusals(*OPENED), dependencies=SCHEMES
)
async def submit_order(
    state: StateDep,
    dispatcher: DispatcherDep,
    caller: Caller,
    request: Request,
    body: Seed002OrderRequest,
    options: OptionsDep,
) -> Response:
    """Take a spot order; it is pending."""
    # Selling is the only way out here, so that it waits for no other orders.
    take(request, state, "closing" if body.side == "SELL" else "orders", caller.account_id)
    spot_request = SpotRequest(body.symbol.strip().upper(), body.side, body.type, body.quantity, body.price)
    if await keys.has(state.database, caller.user.user_id):
        order_id = await _at_venue(state, dispatcher, caller, spot_request, options)
    else:
        order = await spot.place(state, dispatcher, caller, spot_request, options)
        order_id = order.order_id
        stream: SpotStream = request.app.state.spot_stream
        stream.publish(order)
    return written(Submitted(orderId=order_id))


@router.get(
    "/api/trading/orders",
    response_model=list[SpotView],
    responses=Seed002Route.refusals(*READ),
    dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED],
)
async def list_spot_orders(state: StateDep, caller: Caller) -> Response:
    """List your last hundred orders, newest first."""
    user_id = str(caller.user.user_id)
    at_venue = await venue.orders(state.database, caller.account_id, spot_store.LISTED_MAX)
    here = await state.database.ask(lambda db: spot_store.latest(db, caller.account_id))
    views = [of_venue_row(row, user_id) for row in at_venue.items]
    views += [of_progress(progress, user_id) for progress in await spot.progress_of(state, here)]
    views.sort(key=lambda view: view.timestamp, reverse=True)
    return encoded([view.written() for view in views[: spot_store.LISTED_MAX]])


@router.get(
    "/api/trading/orders/{order_id}",
    response_model=SpotView,
    response_model_exclude_none=True,
    responses=Seed002Route.refusals(*READ),
    dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED],
)
async def get_spot_order(state: StateDep, caller: Caller, order_id: OrderId) -> Response:
    """Give one order of yours."""
    user_id = str(caller.user.user_id)
    order = await state.database.ask(lambda db: spot_store.find(db, caller.account_id, order_id))
    if order is not None:
        (progress,) = await spot.progress_of(state, [order])
        return encoded(of_progress(progress, user_id).written())
    return encoded(of_venue_row(await venue.order(state.database, caller.account_id, order_id), user_id).written())


@router.delete(
    "/api/trading/orders/{order_id}",
    response_model=Cancelling,
    responses=Seed002Route.refusals(*READ, CROSS_SITE_REQUEST, ORDER_NOT_OPEN, BROKER_UNAVAILABLE),
    dependencies=SIGNED,
)
async def cancel_spot_order(state: StateDep, caller: Caller, order_id: OrderId) -> Response:
    """Cancel what is left of an order at the venue. What is executed here is filled or rejected at once."""
    if await state.database.ask(lambda db: spot_store.find(db, caller.account_id, order_id)) is not None:
        raise ApiError(ORDER_NOT_OPEN, "No order rests here: it is filled or rejected at once")
    await venue.cancel(state.database, state.venue, caller.account_id, order_id)
    return written(Cancelling(orderId=order_id))


@router.get(
    "/api/trading/positions",
    response_model=list[NetPosition],
    responses=Seed002Route.refusals(*READ),
    dependencies=[*SIGNED, CAUGHT_UP_OR_REFUSED],
)
async def list_net_positions(state: StateDep, caller: Caller, request: Request) -> Response:
    """List what you hold, net by symbol: at the venue by its price, and by longs of 1x here by ours."""
    here = await state.database.ask(lambda db: queries.holdings(db, caller.account_id))
    there = [row for row in await venue.positions(state.database, caller.account_id) if row.quantity]
    venue_prices: VenuePrices = request.app.state.venue_prices
    prices = await venue_prices.of([row.symbol for row in there])
    found = [_of_holding(state, row) for row in here]
    found += [_of_venue(row, prices.get(row.symbol)) for row in there]
    return encoded([position.model_dump() for position in found])


async def serve_websocket(websocket: WebSocket) -> None:
    """Tell one client prices and what comes of their orders: `/?token=JWT`."""
    stream: SpotStream = websocket.app.state.spot_stream
    await stream.serve(websocket)


async def _at_venue(
    state: AppState,
    dispatcher: Dispatcher,
    caller: SignedInUser,
    spot_request: SpotRequest,
    options: RequestOptions,
) -> str:
    request = VenueOrderRequest(
        symbol=spot_name(spot_request.symbol),
        side="buy" if spot_request.side == "BUY" else "sell",
        type=spot_request.type,
        quantity=format(Decimal(spot_request.quantity), "f"),
        price=None if spot_request.price is None else format(Decimal(spot_request.price), "f"),
        time_in_force="GTC" if spot_request.type == "LIMIT" else None,
    )
    order_id = None if options.key is None else options.command_id(caller.account_id)
    if order_id is not None and await dispatcher.lookup.is_of_ledger(caller.account_id, order_id):
        raise ApiError(spot.REUSED)
    return await venue.place(state.database, state.venue, caller.account_id, request, order_id)


def _of_holding(state: AppState, row: queries.HoldingRow) -> NetPosition:
    instrument = state.prices.instruments[row.symbol]
    quantity = Decimal(row.quantity).scaleb(-instrument.lot_exponent)
    cost = Decimal(row.cost).scaleb(-MONEY_EXPONENT)
    exit_price = state.prices.exit_price(row.symbol, "long")
    worth = cost if exit_price is None else quantity * Decimal(exit_price).scaleb(-instrument.tick_exponent)
    return NetPosition(
        symbol=spot_name(row.symbol),
        quantity=_digits(quantity),
        avgEntryPrice=_digits(cost / quantity),
        unrealizedPnl=_digits(worth - cost),
        realizedPnl=_digits(Decimal(row.realized_pnl).scaleb(-MONEY_EXPONENT)),
    )


def _of_venue(row: queries.VenuePositionRow, price: Decimal | None) -> NetPosition:
    """Write what is held at the venue. While its price was never known it is worth what was paid."""
    entry = row.average_entry_price or Decimal(0)
    return NetPosition(
        symbol=row.symbol,
        quantity=_digits(row.quantity),
        avgEntryPrice=_digits(entry),
        unrealizedPnl=_digits(((entry if price is None else price) - entry) * row.quantity),
        realizedPnl=_digits(row.realized_pnl),
    )


def _digits(number: Decimal) -> Decimal:
    """Give a number with at most eight places."""
    return digits(str(number.quantize(PLACES)))
