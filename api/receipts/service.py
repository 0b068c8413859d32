"""How a closing event is written as a receipt."""

from typing import Final

from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.replies import RETRY_AFTER
from api.dispatch.unprojected import Unprojected, behind
from api.http.amounts import money, price, price_or_null, quantity
from api.http.problems import ENGINE_BEHIND, ApiError, not_found
from api.http.times import text_of
from api.log.price_cache import PriceCache
from api.receipts.schemas import Receipt, ReceiptTick, Rest, Shortfall
from projector import queries
from schemas.derived import realized_pnl
from schemas.events import FillEvent, PositionClosed, PositionOpened, PositionReduced
from schemas.messages import Instrument

UNKNOWN: Final = "Whether there is such a receipt cannot be said now"


async def find(
    lookup: OutcomeLookup, unprojected: Unprojected, prices: PriceCache, account_id: str, event_id: str
) -> Receipt:
    """Give one of the caller's receipts; 503 where this process cannot say whether it is in the log."""
    shard, seq = (int(part) for part in event_id.split("-"))
    event = await _closing(unprojected, account_id, event_id)
    if event is None and shard == unprojected.outcomes.shard_of(account_id):
        # Another process may have answered what this one has not read yet.
        if seq > unprojected.outcomes.seq(shard) and await lookup.lagging(account_id) is ENGINE_BEHIND:
            raise ApiError(ENGINE_BEHIND, UNKNOWN, headers=RETRY_AFTER)
        is_complete = await unprojected.is_complete(shard)
        event = await _closing(unprojected, account_id, event_id)
        if event is None and not is_complete:
            raise behind(UNKNOWN)
    if event is None:
        raise not_found("receipt", event_id)
    return receipt_of(event_id, event, prices.instruments[event.symbol])


async def _closing(unprojected: Unprojected, account_id: str, event_id: str) -> PositionClosed | PositionReduced | None:
    """Find a closing event among those that no table has yet, or in the tables."""
    seq = int(event_id.rpartition("-")[2])
    events = await unprojected.events_now(account_id)  # First: what is projected meanwhile is in the row.
    for event in events:
        if event.seq == seq and isinstance(event, FillEvent) and not isinstance(event, PositionOpened):
            return event
    row = await unprojected.database.ask(lambda db: queries.receipt(db, account_id, event_id))
    return None if row is None else row.event


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
