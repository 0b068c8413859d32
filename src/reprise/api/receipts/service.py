"""How a closing event is written as a receipt."""

from reprise.api.amounts import money, price, price_or_null, quantity
from reprise.api.parts import Parts
from reprise.api.problems import NOT_FOUND, ApiError
from reprise.api.receipts.schemas import Receipt, ReceiptTick, Shortfall
from reprise.api.times import text_of
from reprise.projector import queries
from reprise.schemas.events import PositionClosed
from reprise.schemas.messages import Instrument


async def find(parts: Parts, account_id: str, event_id: str) -> Receipt:
    """Give one of the caller's receipts."""
    row = await parts.database.ask(lambda db: queries.receipt(db, account_id, event_id))
    if row is None:
        raise ApiError(NOT_FOUND, "You have no receipt of this id")
    return _receipt(event_id, row.event, parts.prices.instruments[row.event.symbol])


def _receipt(event_id: str, event: PositionClosed, instrument: Instrument) -> Receipt:
    return Receipt(
        event_id=event_id,
        time=text_of(event.time),
        position_id=event.position_id,
        symbol=event.symbol,
        side=event.side,
        rule=event.reason,
        trigger_price=price_or_null(instrument, event.trigger_price),
        tick=ReceiptTick(
            bid=price(instrument, event.bid),
            ask=price(instrument, event.ask),
            source_time=text_of(event.tick_source_time),
            command_offset=event.tick_offset,
        ),
        quantity=quantity(instrument, event.quantity),
        entry_price=price(instrument, event.entry_price),
        close_price=price(instrument, event.price),
        entry_notional=money(event.entry_notional),
        close_notional=money(event.notional),
        margin=money(event.margin),
        profit=money(event.profit),
        equity=money(event.equity),
        requirement=money(event.requirement),
        fee=money(event.fee),
        liquidation_fee=money(event.liquidation_fee),
        margin_returned=money(event.returned),
        realized_pnl=money(event.profit + event.shortfall),
        shortfall=Shortfall(
            amount=money(event.shortfall),
            insurance_paid=money(event.insurance_paid),
            written_off=money(event.written_off),
        ),
        command_id=event.command_id,
        command_offset=event.command_offset,
        opened_at=text_of(event.opened_at),
    )
