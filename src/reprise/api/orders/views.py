"""How an order is written, from its event or from the tables."""

from collections.abc import Mapping

from reprise.api.amounts import leverage, money, price, price_or_null, quantity
from reprise.api.orders.schemas import Order
from reprise.projector.queries import CommandRow
from reprise.schemas.events import PositionOpened
from reprise.schemas.messages import Instrument


def order_of_event(event: PositionOpened, instruments: Mapping[str, Instrument]) -> Order:
    """Write a filled order as its event has it."""
    instrument = instruments[event.symbol]
    command_id = str(event.command_id)
    return Order(
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
    )


def order_of_row(command: CommandRow, opened: PositionOpened | None, instruments: Mapping[str, Instrument]) -> Order:
    """Write an order as the tables have it; a refused one opened nothing."""
    if opened is not None:
        return order_of_event(opened, instruments)
    return Order(
        order_id=command.command_id,
        command_id=command.command_id,
        client_order_id=command.client_order_id,
        status="filled" if command.status == "done" else "rejected",
        position_id=command.position_id,
    )
