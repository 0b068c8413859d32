"""How seed 002's spot orders are executed without a venue: BUY opens a long of 1x, SELL reduces the oldest ones."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.compat import spot_store
from api.compat.names import instrument_named
from api.compat.spot_store import SpotOrder
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.outcome_lookup import IN_FLIGHT_S, refuse_other_use
from api.dispatch.request_options import RequestOptions, deadline
from api.http.amounts import VENUE_PRICE_PLACES
from api.http.numbers import units_of
from api.http.problems import REFUSALS, ApiError
from api.http.times import now
from api.store import used_keys
from api.store.used_keys import UsedKey
from projector import queries
from schemas.commands import OpenPosition, ReduceOldest
from schemas.content import content_of
from schemas.rejections import Rejection
from schemas.units import SECOND

Status = Literal["PENDING", "FILLED", "REJECTED"]
LEVERAGE: Final = 100  # 1x, in hundredths
NOTHING: Final = Decimal(0)
REUSED: Final = REFUSALS[Rejection.COMMAND_ID_REUSED]
# Longer ago than this nothing of an order can still be on its way, and what the tables do not have did not happen.
SETTLED: Final = int(IN_FLIGHT_S * SECOND)


class SpotRequest(NamedTuple):
    """An order as seed 002's client writes it; amounts are digits."""

    symbol: str
    side: Literal["BUY", "SELL"]
    type: str
    quantity: str
    price: str | None


class SpotProgress(NamedTuple):
    """How far an order is. executed: of the asset; price: the average."""

    order: SpotOrder
    status: Status
    executed: Decimal
    price: Decimal | None
    error: str | None


async def place(
    state: AppState, dispatcher: Dispatcher, caller: SignedInUser, spot_request: SpotRequest, options: RequestOptions
) -> SpotOrder:
    """Take an order, and send the command it becomes; its outcome comes later."""
    instrument = instrument_named(state, spot_request.symbol, "/symbol")
    lots = units_of("/quantity", spot_request.quantity, instrument.lot_exponent)
    if spot_request.price is not None:
        units_of("/price", spot_request.price, VENUE_PRICE_PLACES)
    order = SpotOrder(
        order_id=options.command_id(caller.account_id),
        account_id=caller.account_id,
        symbol=instrument.symbol,
        side=spot_request.side,
        type=spot_request.type,
        quantity=spot_request.quantity,
        price=spot_request.price,
        error=None
        if spot_request.type == "MARKET"
        else f"{spot_request.type} orders are not executed here; send MARKET",
        created_at=now(),
    )
    if options.key is not None:
        await _refuse_key_of_another(state, dispatcher, order)
    stored = await state.database.ask_in_transaction(lambda db: _stored(db, order))
    if stored.created_at != order.created_at:
        # The same key was used before: that order is the answer, if it was the same.
        if _content(stored) != _content(order):
            raise ApiError(REUSED)
        return stored
    if order.error is None:
        try:
            await dispatcher.execute(_command(order, lots), RequestOptions(None, respond_async=True))
        except ApiError as refusal:
            await _note_error(state, order, refusal.detail)
            raise
    return stored


async def progress_of(state: AppState, orders: Sequence[SpotOrder]) -> list[SpotProgress]:
    """Say how far these orders of one account are, as the tables have it."""
    if not orders:
        return []
    account_id = orders[0].account_id
    shard = state.outcomes.shard_of(account_id)
    return await state.database.ask(lambda db: _progress_in(state, db, account_id, shard, orders))


async def _refuse_key_of_another(state: AppState, dispatcher: Dispatcher, order: SpotOrder) -> None:
    """Refuse a key that was used before keys were stored: in the ledger, and for no spot order, or at the venue."""
    account_id, order_id = order.account_id, order.order_id
    if await state.database.ask(lambda db: spot_store.find(db, account_id, order_id)) is None and (
        await dispatcher.lookup.is_taken(account_id, order_id)
    ):
        raise ApiError(REUSED)


def _stored(db: Connection, order: SpotOrder) -> SpotOrder:
    """Use the order's key and store the order, unless one is stored; give what counts. 422 where the key was used."""
    use = UsedKey("spot_order")
    refuse_other_use(used_keys.take(db, order.order_id, use), use)
    return spot_store.add(db, order)


async def _note_error(state: AppState, order: SpotOrder, detail: str) -> None:
    """Store why nothing came of an order; where that cannot be stored, the refusal is told all the same."""
    try:
        await state.database.ask(lambda db: spot_store.note_error(db, order.order_id, detail))
    except SQLAlchemyError as error:
        structlog.get_logger().warning("a refusal is not kept", order_id=order.order_id, error=str(error))


def _command(order: SpotOrder, lots: int) -> OpenPosition | ReduceOldest:
    if order.side == "BUY":
        return OpenPosition(
            command_id=order.order_id,
            account_id=order.account_id,
            deadline=deadline(),
            symbol=order.symbol,
            side="long",
            quantity=lots,
            leverage=LEVERAGE,
        )
    # One command: all of it is sold, or nothing, whatever another one does at the same time.
    return ReduceOldest(
        command_id=order.order_id,
        account_id=order.account_id,
        deadline=deadline(),
        symbol=order.symbol,
        side="long",
        leverage=LEVERAGE,
        quantity=lots,
    )


def _progress_in(
    state: AppState, db: Connection, account_id: str, shard: int, orders: Sequence[SpotOrder]
) -> list[SpotProgress]:
    current_at = queries.current_at(db, shard)  # First: what comes to the tables meanwhile is not missing.
    order_ids = [order.order_id for order in orders]
    known = queries.commands(db, account_id, order_ids)
    done = {row.command_id: row for row in queries.executions(db, account_id, order_ids)}
    return [
        _progress(
            state,
            order,
            known.get(order.order_id),
            done.get(order.order_id),
            settled=current_at > order.created_at + SETTLED,
        )
        for order in orders
    ]


def _progress(
    state: AppState,
    order: SpotOrder,
    row: queries.CommandRow | None,
    executed: queries.ExecutionRow | None,
    *,
    settled: bool,
) -> SpotProgress:
    if row is None and order.error is None and not settled:
        return SpotProgress(order, "PENDING", NOTHING, None, None)
    if row is None:
        return SpotProgress(order, "REJECTED", NOTHING, None, order.error or "It never reached the log")
    instrument = state.prices.instruments[order.symbol]
    lots = units_of("/quantity", order.quantity, instrument.lot_exponent)
    if row.command_hash is not None and row.command_hash != content_of(_command(order, lots)):
        return SpotProgress(order, "REJECTED", NOTHING, None, REUSED.title)  # It is of another command.
    if row.rejection is not None:
        return SpotProgress(order, "REJECTED", NOTHING, None, _why(Rejection(row.rejection), order))
    if executed is None or executed.quantity < lots:
        return SpotProgress(order, "PENDING", NOTHING, None, None)  # The tables have not all of it yet.
    quantity = Decimal(executed.quantity).scaleb(-instrument.lot_exponent)
    price = (Decimal(executed.notional) / executed.quantity).scaleb(-instrument.tick_exponent)
    return SpotProgress(order, "FILLED", quantity, price, None)


def _why(rejection: Rejection, order: SpotOrder) -> str:
    if order.side == "SELL" and rejection in {Rejection.POSITION_NOT_OPEN, Rejection.ABOVE_MAXIMUM}:
        return "More than is held: a spot order sells what was bought"
    return REFUSALS[rejection].title


def _content(order: SpotOrder) -> tuple[str | None, ...]:
    return (order.symbol, order.side, order.type, order.quantity, order.price)
