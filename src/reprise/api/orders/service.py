"""How an order becomes a command, and which order a command was."""

from reprise.api.auth.caller import Signed
from reprise.api.commands.asking import Asked, deadline
from reprise.api.commands.service import Known, Reply, Settled, Undecided, ask
from reprise.api.numbers import units_of
from reprise.api.orders.schemas import Order, OrderRequest
from reprise.api.orders.views import order_of_event, order_of_rows
from reprise.api.parts import Parts
from reprise.api.problems import NOT_FOUND, REFUSALS, ApiError
from reprise.api.progress import wait_for
from reprise.projector import queries
from reprise.schemas.commands import OpenPosition
from reprise.schemas.content import content_of
from reprise.schemas.events import CommandRejected, PositionOpened
from reprise.schemas.rejections import Rejection
from reprise.schemas.sharding import shard_of


async def place(parts: Parts, caller: Signed, request: OrderRequest, asked: Asked) -> tuple[Order | None, Reply]:
    """Send an order; no order where its outcome is undecided."""
    keyed = asked.under(request.client_order_id)
    command = command_of(parts, caller.account_id, request, keyed)
    reply: Reply | None = await _by_client_order_id(parts, command)
    if reply is None:
        try:
            reply = await ask(parts, command, keyed=keyed.key is not None, respond_async=asked.respond_async)
        except ApiError as error:
            if error.kind != REFUSALS[Rejection.CLIENT_ORDER_ID_USED]:
                raise
            reply = await _by_client_order_id(parts, command)  # It was opened after the look above.
            if reply is None:
                raise
    if isinstance(reply, Undecided):
        return None, reply
    return await order_of(parts, caller.account_id, reply), reply


def command_of(parts: Parts, account_id: str, request: OrderRequest, asked: Asked) -> OpenPosition:
    """Write an order in the ledger's units."""
    instrument = parts.prices.instruments.get(request.symbol)
    if instrument is None:
        # Without its units the order cannot be written into the log; the core would refuse it under the same name.
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN], f"There is no instrument {request.symbol!r}")

    def ticks(name: str, text: str | None) -> int | None:
        return None if text is None else units_of(f"/{name}", text, instrument.tick_exponent)

    return OpenPosition(
        command_id=asked.command_id(account_id),
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


async def order_of(parts: Parts, account_id: str, reply: Settled | Known) -> Order:
    """Write the order a reply is about."""
    if isinstance(reply, Settled):
        event = reply.outcome.event
        assert isinstance(event, PositionOpened), "the outcome of an order that was not refused"
        return order_of_event(event, parts.prices.instruments)
    position_id = reply.row.position_id
    position = (
        None
        if position_id is None
        else await parts.database.ask(lambda db: queries.position(db, account_id, position_id))
    )
    return order_of_rows(reply.row, position, parts.prices.instruments)


async def find(parts: Parts, account_id: str, order_id: str) -> Order:
    """Give one of the caller's orders."""
    recent = parts.outcomes.recent(order_id)
    if recent is not None and recent.event.account_id == account_id:
        event = recent.event
        if isinstance(event, PositionOpened):
            return order_of_event(event, parts.prices.instruments)
        if isinstance(event, CommandRejected) and event.command == OpenPosition.__name__:
            return Order(order_id=order_id, command_id=order_id, status="rejected")
    row = await parts.database.ask(lambda db: queries.command(db, account_id, order_id))
    if row is None or row.type != OpenPosition.__name__:
        raise ApiError(NOT_FOUND, "You have no order of this id")
    return await order_of(parts, account_id, Known(row))


async def _by_client_order_id(parts: Parts, command: OpenPosition) -> Known | None:
    """Find the order a client order id already opened under another key: the same again, or refused."""
    account_id, client_order_id = command.account_id, command.client_order_id
    if client_order_id is None:
        return None
    shard = shard_of(account_id, parts.settings.shards)
    await wait_for(parts, shard, parts.outcomes.seq(shard))
    row = await parts.database.ask(lambda db: queries.command_by_client_order_id(db, account_id, client_order_id))
    if row is None or row.command_id == command.command_id:
        return None
    if row.command_hash != content_of(command):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], "The client_order_id was used for another order")
    return Known(row)
