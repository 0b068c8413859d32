"""How a closing event is written as a receipt."""

from typing import Final

from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.read_your_writes import catch_up
from api.dispatch.replies import RETRY_AFTER
from api.dispatch.unprojected import Unprojected, behind
from api.http.amounts import money, price, price_or_null, quantity
from api.http.problems import ENGINE_BEHIND, ApiError, not_found
from api.http.times import text_of
from api.log.price_cache import PriceCache
from api.receipts.schemas import Receipt, ReceiptTick, Rest, Shortfall, TickClosing, TickClosings
from projector import queries
from schemas.derived import realized_pnl
from schemas.event_groups import FillEvent
from schemas.events import PositionClosed, PositionOpened, PositionReduced
from schemas.messages import Instrument
from schemas.units import Ticks

NEIGHBOURS: Final = 50
UNKNOWN: Final = "Whether there is such a receipt cannot be said now"


async def find(
    lookup: OutcomeLookup, unprojected: Unprojected, prices: PriceCache, account_id: str, event_id: str
) -> Receipt:
    """Give one of the caller's receipts; 503 where this process cannot say whether it is in the log."""
    event = await _found(lookup, unprojected, account_id, event_id)
    return receipt_of(event_id, event, prices.instruments[event.symbol])


async def closings(
    lookup: OutcomeLookup, unprojected: Unprojected, prices: PriceCache, account_id: str, event_id: str
) -> TickClosings:
    """Give what else the tick of a receipt closed; 503 until the tables have the receipt."""
    event = await _found(lookup, unprojected, account_id, event_id)
    # The memory has the account's own events only, and the tables what is everybody's.
    await catch_up(unprojected.database, unprojected.outcomes, unprojected.outcomes.shard_of(account_id))
    found = await unprojected.database.ask(lambda db: queries.closings_at_tick(db, event_id, event, NEIGHBOURS))
    own = next((row for row in found.rows if row.event_id == event_id), None)
    if own is None:
        raise behind("What else closed at that tick cannot be said yet")
    instrument = prices.instruments[event.symbol]
    return TickClosings(
        symbol=event.symbol,
        place=own.place,
        count=found.total,
        items=[
            TickClosing(
                place=row.place,
                yours=row.account_id == account_id,
                side=row.side,
                quantity=quantity(instrument, row.quantity),
                close_price=price(instrument, row.price),
                rule=row.reason,
            )
            for row in found.rows
        ],
        elsewhere=found.elsewhere,
    )


async def _found(
    lookup: OutcomeLookup, unprojected: Unprojected, account_id: str, event_id: str
) -> PositionClosed | PositionReduced:
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
    return event


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
        open_price=price_or_null(instrument, _open_price(event)),
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


def _open_price(event: PositionClosed | PositionReduced) -> Ticks | None:
    """Give the tick beside the trigger at which it does not fire: a long's stop and liquidation fire at or below it."""
    if isinstance(event, PositionReduced) or event.trigger_price is None:
        return None
    fires_below = (event.side == "long") is (event.reason != "take_profit")
    beside = event.trigger_price + (1 if fires_below else -1)
    return Ticks(beside) if beside > 0 else None


def _rest(event: PositionReduced, instrument: Instrument) -> Rest:
    return Rest(
        quantity=quantity(instrument, event.quantity_left),
        entry_notional=money(event.entry_notional_left),
        margin=money(event.margin_left),
        liquidation_price=price_or_null(instrument, event.liquidation_price),
        released=money(event.released),
    )
