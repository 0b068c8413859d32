"""How an order becomes a command, and which order a command was."""

from http import HTTPStatus
from typing import Final, Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.replies import RETRY_AFTER, Answer, Decided, Pending, Reply, Stored, undecided
from api.dispatch.request_options import RequestOptions, deadline
from api.http.cursors import read_cursor, write_cursor
from api.http.numbers import ticks_of, units_of
from api.http.problems import REFUSALS, ApiError, not_found
from api.http.sentences import Details, shown
from api.log.price_cache import PriceCache
from api.orders.schemas import OrderReply, OrderRequest, Orders
from api.orders.views import order_of_command, order_of_event, order_of_refusal, order_of_row
from api.store.database import Database, afterwards
from projector import queries
from schemas.commands import OpenPosition
from schemas.events import CommandRejected, PositionOpened
from schemas.rejections import Rejection

Status = Literal["filled", "rejected"]
_OUTCOMES: Final[dict[Status, Literal["done", "rejected"]]] = {"filled": "done", "rejected": "rejected"}


async def place(
    dispatcher: Dispatcher,
    database: Database,
    prices: PriceCache,
    caller: SignedInUser,
    request: OrderRequest,
    options: RequestOptions,
) -> tuple[OrderReply | None, Reply]:
    """Send an order; no order where its outcome is undecided, or is known and cannot be shown now."""
    keyed = options
    if options.key is None and request.client_order_id is not None:
        keyed = options.under((await dispatcher.lookup.tries(caller.account_id, request.client_order_id)).key)
    command = command_of(prices, caller.account_id, request, keyed)
    reply: Reply | None = await dispatcher.lookup.by_client_order_id(command)
    if reply is None:
        try:
            reply = await dispatcher.execute(command, keyed)
        except ApiError as error:
            if error.kind != REFUSALS[Rejection.CLIENT_ORDER_ID_USED]:
                raise
            reply = await dispatcher.lookup.by_client_order_id(command)  # It was opened after the look above.
            if reply is None:
                raise
    if isinstance(reply, Pending):
        return None, reply
    try:
        async with afterwards():
            order = await order_of(dispatcher.lookup, database, prices, caller.account_id, reply)
    except SQLAlchemyError as error:
        structlog.get_logger().warning("order not read", command_id=command.command_id, error=str(error))
        return None, reply
    assert order is not None, "the outcome of a command that is an order"
    return order, reply


def answer_of(order: OrderReply | None, reply: Reply) -> Answer:
    """Say what became of an order, or that this is not known and where to look."""
    if order is None or isinstance(reply, Pending):
        return undecided(reply)
    headers = reply.headers() | {"Location": f"/api/v1/orders/{order.order_id}"}
    return Answer(HTTPStatus.CREATED, order, headers)


def command_of(prices: PriceCache, account_id: str, request: OrderRequest, options: RequestOptions) -> OpenPosition:
    """Write an order in the ledger's units."""
    instrument = prices.instruments.get(request.symbol)
    if instrument is None:
        # Without its units the order cannot be written into the log; the core would refuse it under the same name.
        sent = shown(request.symbol)
        details: Details = {"sent": sent, "known": ", ".join(prices.instruments)}
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN], f"There is no instrument {sent!r}", details=details)

    def ticks(name: str, text: str | None) -> int | None:
        return None if text is None else ticks_of(f"/{name}", text, instrument.tick_exponent)

    return OpenPosition(
        command_id=options.command_id(account_id),
        account_id=account_id,
        deadline=deadline(),
        symbol=request.symbol,
        side=request.side,
        margin=request.margin,
        quantity=None if request.quantity is None else units_of("/quantity", request.quantity, instrument.lot_exponent),
        leverage=request.leverage,
        expected_price=ticks("expected_price", request.expected_price),
        slippage_bps=request.slippage_bps,
        stop_loss=ticks("stop_loss", request.stop_loss),
        take_profit=ticks("take_profit", request.take_profit),
        client_order_id=request.client_order_id,
    )


async def order_of(
    lookup: OutcomeLookup, database: Database, prices: PriceCache, account_id: str, reply: Decided | Stored
) -> OrderReply | None:
    """Write the order a command was, from its outcome; null where the command was no order."""
    instruments = prices.instruments
    if isinstance(reply, Decided):
        event = reply.outcome.event
        if isinstance(event, PositionOpened):
            return order_of_event(event, instruments)
        if isinstance(event, CommandRejected) and event.command == OpenPosition.__name__:
            return order_of_refusal(event, instruments, lookup.sent)
        return None
    row = reply.row
    if row.type != OpenPosition.__name__:
        return None
    opened = await database.ask(lambda db: queries.opening(db, account_id, row.seq))
    return order_of_row(row, opened, instruments, lookup.sent)


async def find(
    lookup: OutcomeLookup, database: Database, prices: PriceCache, account_id: str, order_id: str
) -> OrderReply:
    """Give one of the caller's orders; 503 where this process cannot say whether it is in the log."""
    found = await _decided(lookup, database, prices, account_id, order_id)
    if found is not None:
        return found
    sent = lookup.sent_by(account_id, order_id)
    if sent is not None and isinstance(sent.command, OpenPosition) and lookup.is_in_flight(sent):
        return order_of_command(sent.command, prices.instruments)
    behind = await lookup.lagging(account_id)
    if behind is not None:
        raise ApiError(behind, "Whether there is such an order cannot be said now", headers=RETRY_AFTER)
    found = await _decided(lookup, database, prices, account_id, order_id)
    if found is None:
        raise not_found("order", order_id)
    return found


async def _decided(
    lookup: OutcomeLookup, database: Database, prices: PriceCache, account_id: str, order_id: str
) -> OrderReply | None:
    reply = await lookup.decided(account_id, order_id)
    return None if reply is None else await order_of(lookup, database, prices, account_id, reply)


async def page(
    lookup: OutcomeLookup,
    database: Database,
    prices: PriceCache,
    account_id: str,
    status: Status | None,
    limit: int,
    cursor: str | None,
) -> Orders:
    """List the caller's orders."""
    question = f"orders~{status or ''}"
    before = read_cursor(question, cursor)
    outcome = None if status is None else _OUTCOMES[status]
    found = await database.ask(lambda db: queries.orders(db, account_id, status=outcome, limit=limit, before=before))
    return Orders(
        items=[order_of_row(row, opened, prices.instruments, lookup.sent) for row, opened in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def named(
    lookup: OutcomeLookup,
    database: Database,
    prices: PriceCache,
    account_id: str,
    client_order_id: str,
    status: Status | None,
) -> Orders:
    """List the order of a client_order_id: the one it opened, else the last one refused for which it was the key."""
    opened = await lookup.named(account_id, client_order_id)
    order: OrderReply | None
    if isinstance(opened, PositionOpened):
        order = order_of_event(opened, prices.instruments)
    elif opened is not None:
        order = await order_of(lookup, database, prices, account_id, Stored(opened))
    else:
        refused = (await lookup.tries(account_id, client_order_id)).refused
        order = None if refused is None else await _decided(lookup, database, prices, account_id, refused)
    if order is None or (status is not None and order.status != status):
        return Orders(items=[], next_cursor=None)
    return Orders(items=[order.model_copy(update={"client_order_id": client_order_id})], next_cursor=None)
