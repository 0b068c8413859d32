"""How a closing event is written as a receipt."""

from api.http.amounts import money, price, price_or_null, quantity
from api.http.problems import not_found
from api.http.times import text_of
from api.log.price_cache import PriceCache
from api.receipts.schemas import Receipt, ReceiptTick, Rest, Shortfall
from api.store.database import Database
from projector import queries
from schemas.derived import realized_pnl
from schemas.events import PositionClosed, PositionReduced
from schemas.messages import Instrument


async def find(database: Database, prices: PriceCache, account_id: str, event_id: str) -> Receipt:
    """Give one of the caller's receipts."""
    row = await database.ask(lambda db: queries.receipt(db, account_id, event_id))
    if row is None:
        raise not_found("receipt", event_id)
    return receipt_of(event_id, row.event, prices.instruments[row.event.symbol])


def receipt_of(event_id: str, event: PositionClosed | PositionReduced, instrument: Instrument) -> Receipt:
    """Write a closing event, which the tables need not have yet."""
    whole = event if isinstance(event, PositionClosed) else None  # Only who closes all is liquidated, or falls short.
    shortfall = 0 if whole is None else whole.shortfall
    return Receipt(
        event_id=event_id,
        time=text_of(event.time),
        position_id=event.position_id,
        symbol=event.symbol,
        side=event.side,
        rule=event.reason,
        trigger_price=None if whole is None else price_or_null(instrument, whole.trigger_price),
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
        liquidation_fee=money(0 if whole is None else whole.liquidation_fee),
        margin_returned=money(event.returned),
        realized_pnl=money(realized_pnl(event)),
        shortfall=Shortfall(
            amount=money(shortfall),
            insurance_paid=money(0 if whole is None else whole.insurance_paid),
            written_off=money(0 if whole is None else whole.written_off),
        ),
        rest=_rest(event, instrument) if isinstance(event, PositionReduced) else None,
        command_id=event.command_id,
        command_offset=event.command_offset,
        opened_at=text_of(event.opened_at),
    )


def _rest(event: PositionReduced, instrument: Instrument) -> Rest:
    return Rest(
        quantity=quantity(instrument, event.quantity_left),
        entry_notional=money(event.entry_notional_left),
        margin=money(event.margin_left),
        liquidation_price=price_or_null(instrument, event.liquidation_price),
        released=money(event.released),
    )
