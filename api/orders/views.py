"""How an order is written, from its event or from the tables."""

from collections.abc import Mapping

from api.http.amounts import leverage, money, money_or_null, price, price_or_null, quantity
from api.http.times import text_of
from api.log.sent_commands import SentCommands
from api.orders.schemas import OrderReply
from projector.queries import CommandRow
from schemas.commands import OpenPosition
from schemas.content import content_of
from schemas.events import CommandRejected, PositionOpened
from schemas.messages import Instrument
from schemas.rejections import Rejection


def order_of_event(event: PositionOpened, instruments: Mapping[str, Instrument]) -> OrderReply:
    """Write a filled order as its event has it."""
    instrument = instruments[event.symbol]
    command_id = str(event.command_id)
    return OrderReply(
        order_id=command_id,
        command_id=command_id,
        client_order_id=event.client_order_id,
        status="filled",
        position_id=event.position_id,
        symbol=event.symbol,
        side=event.side,
        price=price(instrument, event.price),
        quantity=quantity(instrument, event.quantity),
        margin=money(event.margin),
        leverage=leverage(event.leverage),
        liquidation_price=price_or_null(instrument, event.liquidation_price),
        warnings=list(event.warnings),
        decided_at=text_of(event.time),
    )


def order_of_row(
    command: CommandRow, opened: PositionOpened | None, instruments: Mapping[str, Instrument], sent: SentCommands
) -> OrderReply:
    """Write an order as the tables have it; a refused one opened nothing."""
    if opened is not None:
        return order_of_event(opened, instruments)
    if command.rejection is not None:
        return _refused(command.command_id, command.rejection, command.command_hash, command.time, instruments, sent)
    return OrderReply(
        order_id=command.command_id,
        command_id=command.command_id,
        client_order_id=command.client_order_id,
        status="filled",
        position_id=command.position_id,
        decided_at=text_of(command.time),
    )


def order_of_refusal(event: CommandRejected, instruments: Mapping[str, Instrument], sent: SentCommands) -> OrderReply:
    """Write a refused order as its event has it."""
    return _refused(str(event.command_id), event.rejection, event.command_hash, event.time, instruments, sent)


def order_of_command(command: OpenPosition, instruments: Mapping[str, Instrument]) -> OrderReply:
    """Write an order as it was asked for, before anything is decided."""
    instrument = instruments[command.symbol]
    return OrderReply(
        order_id=command.command_id,
        command_id=command.command_id,
        client_order_id=command.client_order_id,
        status="pending",
        symbol=command.symbol,
        side=command.side,
        quantity=None if command.quantity is None else quantity(instrument, command.quantity),
        margin=money_or_null(command.margin),
        leverage=leverage(command.leverage),
    )


def _refused(
    command_id: str,
    rejection: int,
    content: bytes | None,
    time: int,
    instruments: Mapping[str, Instrument],
    sent: SentCommands,
) -> OrderReply:
    """Write a refused order: what it asked for is in no event, and known for as long as its sender remembers it."""
    decided = {"status": "rejected", "code": Rejection(rejection).name, "decided_at": text_of(time)}
    known = sent.get(command_id)
    # Under the same id other content may have been sent since.
    if known is not None and isinstance(known.command, OpenPosition) and content_of(known.command) == content:
        return order_of_command(known.command, instruments).model_copy(update=decided)
    return OrderReply.model_validate({"order_id": command_id, "command_id": command_id} | decided)
