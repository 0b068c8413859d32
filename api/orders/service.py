"""How an order becomes a command, and which order a command was."""

from typing import Final, Literal

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import RETRY_AFTER, Decided, Pending, Reply, Stored, ask, is_on_its_way
from api.dispatch.read_your_writes import wait_for
from api.dispatch.request_options import RequestOptions, deadline
from api.dispatch.settling import lagging
from api.http.cursors import read_cursor, write_cursor
from api.http.numbers import units_of
from api.http.problems import NOT_FOUND, REFUSALS, ApiError
from api.orders.schemas import OrderReply, OrderRequest, Orders
from api.orders.views import order_of_command, order_of_event, order_of_refusal, order_of_row
from projector import queries
from schemas.commands import OpenPosition
from schemas.content import content_of
from schemas.events import CommandRejected, PositionOpened
from schemas.ids import keyed_command_id
from schemas.rejections import Rejection
from schemas.sharding import shard_of

Status = Literal["filled", "rejected"]
_OUTCOMES: Final[dict[Status, Literal["done", "rejected"]]] = {"filled": "done", "rejected": "rejected"}


async def place(
    state: AppState, caller: SignedInUser, request: OrderRequest, options: RequestOptions
) -> tuple[OrderReply | None, Reply]:
    """Send an order; no order where its outcome is undecided."""
    keyed = options.under(request.client_order_id)
    command = command_of(state, caller.account_id, request, keyed)
    reply: Reply | None = await _by_client_order_id(state, command)
    if reply is None:
        try:
            reply = await ask(state, command, key=keyed.key, respond_async=options.respond_async)
        except ApiError as error:
            if error.kind != REFUSALS[Rejection.CLIENT_ORDER_ID_USED]:
                raise
            reply = await _by_client_order_id(state, command)  # It was opened after the look above.
            if reply is None:
                raise
    if isinstance(reply, Pending):
        return None, reply
    return await order_of(state, caller.account_id, reply), reply


def command_of(state: AppState, account_id: str, request: OrderRequest, options: RequestOptions) -> OpenPosition:
    """Write an order in the ledger's units."""
    instrument = state.prices.instruments.get(request.symbol)
    if instrument is None:
        # Without its units the order cannot be written into the log; the core would refuse it under the same name.
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN], f"There is no instrument {request.symbol!r}")

    def ticks(name: str, text: str | None) -> int | None:
        return None if text is None else units_of(f"/{name}", text, instrument.tick_exponent)

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


async def order_of(state: AppState, account_id: str, reply: Decided | Stored) -> OrderReply:
    """Write the order a reply is about."""
    if isinstance(reply, Decided):
        event = reply.outcome.event
        assert isinstance(event, PositionOpened), "the outcome of an order that was not refused"
        return order_of_event(event, state.prices.instruments)
    row = reply.row
    opened = await state.database.ask(lambda db: queries.opening(db, account_id, row.seq))
    return order_of_row(row, opened, state.prices.instruments, state.producer)


async def find(state: AppState, account_id: str, order_id: str) -> OrderReply:
    """Give one of the caller's orders; 503 where this process cannot say whether it is in the log."""
    found = await _decided(state, account_id, order_id)
    if found is not None:
        return found
    sent = state.producer.sent(order_id)
    if sent is not None and isinstance(sent.command, OpenPosition) and is_on_its_way(state, sent):
        command = sent.command
        if command.account_id == account_id:
            return order_of_command(command, state.prices.instruments)
    behind = await lagging(state, shard_of(account_id, state.settings.shards))
    if behind is not None:
        raise ApiError(behind, "Whether there is such an order cannot be said now", headers=RETRY_AFTER)
    found = await _decided(state, account_id, order_id)
    if found is None:
        raise ApiError(NOT_FOUND, "You have no order of this id")
    return found


async def _decided(state: AppState, account_id: str, order_id: str) -> OrderReply | None:
    """Find the outcome of an order in memory, or in the tables."""
    recent = state.outcomes.recent(order_id)
    if recent is not None and recent.event.account_id == account_id:
        event = recent.event
        if isinstance(event, PositionOpened):
            return order_of_event(event, state.prices.instruments)
        if isinstance(event, CommandRejected) and event.command == OpenPosition.__name__:
            return order_of_refusal(event, state.prices.instruments, state.producer)
    row = await state.database.ask(lambda db: queries.command(db, account_id, order_id))
    if row is None or row.type != OpenPosition.__name__:
        return None
    return await order_of(state, account_id, Stored(row))


async def page(state: AppState, account_id: str, status: Status | None, limit: int, cursor: str | None) -> Orders:
    """List the caller's orders."""
    question = f"orders~{status or ''}"
    before = read_cursor(question, cursor)
    outcome = None if status is None else _OUTCOMES[status]
    found = await state.database.ask(
        lambda db: queries.orders(db, account_id, status=outcome, limit=limit, before=before)
    )
    return Orders(
        items=[order_of_row(row, opened, state.prices.instruments, state.producer) for row, opened in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def named(state: AppState, account_id: str, client_order_id: str, status: Status | None) -> Orders:
    """List the order of a client_order_id: the one it opened, else the one refused for which it was the key."""
    key = keyed_command_id(account_id, client_order_id)
    row = await state.database.ask(
        lambda db: (
            queries.command_by_client_order_id(db, account_id, client_order_id) or queries.command(db, account_id, key)
        )
    )
    if row is None or row.type != OpenPosition.__name__ or (status is not None and row.status != _OUTCOMES[status]):
        return Orders(items=[], next_cursor=None)
    order = await order_of(state, account_id, Stored(row))
    return Orders(items=[order.model_copy(update={"client_order_id": client_order_id})], next_cursor=None)


async def _by_client_order_id(state: AppState, command: OpenPosition) -> Stored | None:
    """Find the order a client order id already opened under another key: the same again, or refused."""
    account_id, client_order_id = command.account_id, command.client_order_id
    if client_order_id is None:
        return None
    shard = shard_of(account_id, state.settings.shards)
    await wait_for(state, shard, state.outcomes.seq(shard))
    row = await state.database.ask(lambda db: queries.command_by_client_order_id(db, account_id, client_order_id))
    if row is None or row.command_id == command.command_id:
        return None
    if row.command_hash != content_of(command):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], "The client_order_id was used for another order")
    return Stored(row, state.outcomes.seq(shard))
