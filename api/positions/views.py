"""How a position is written, from its events or from the tables."""

from collections.abc import Mapping
from decimal import Decimal

from api.http.amounts import leverage, micros, money, money_or_null, price, price_or_null, quantity
from api.http.times import text_of
from api.positions.schemas import PositionReply
from projector.queries import PositionRow
from schemas.derived import realized_pnl
from schemas.events import PositionClosed, PositionOpened, PositionReduced, StopsAmended
from schemas.ids import event_id
from schemas.messages import Instrument


def position_of_row(row: PositionRow, instruments: Mapping[str, Instrument]) -> PositionReply:
    """Write a position as the tables have it."""
    instrument = instruments[row.symbol]
    return PositionReply(
        id=row.position_id,
        symbol=row.symbol,
        side=row.side,
        status=row.status,
        quantity=quantity(instrument, row.quantity),
        entry_price=price(instrument, row.entry_price),
        margin=money(row.margin),
        leverage=leverage(row.leverage),
        liquidation_price=price_or_null(instrument, row.liquidation_price),
        stop_loss=price_or_null(instrument, row.stop_loss),
        take_profit=price_or_null(instrument, row.take_profit),
        unrealized_pnl=money_or_null(row.unrealized_pnl),
        opened_at=text_of(row.opened_at),
        close_price=price_or_null(instrument, row.close_price),
        realized_pnl=money_or_null(row.realized_pnl),
        close_reason=row.close_reason,
        closed_at=None if row.closed_at is None else text_of(row.closed_at),
        receipt_id=row.receipt_id,
    )


def position_of_event(event: PositionOpened, instruments: Mapping[str, Instrument]) -> PositionReply:
    """Write a position as it was opened."""
    instrument = instruments[event.symbol]
    return PositionReply(
        id=event.position_id,
        symbol=event.symbol,
        side=event.side,
        status="open",
        quantity=quantity(instrument, event.quantity),
        entry_price=price(instrument, event.price),
        margin=money(event.margin),
        leverage=leverage(event.leverage),
        liquidation_price=price_or_null(instrument, event.liquidation_price),
        stop_loss=price_or_null(instrument, event.stop_loss),
        take_profit=price_or_null(instrument, event.take_profit),
        unrealized_pnl=None,
        opened_at=text_of(event.time),
    )


def after(
    position: PositionReply,
    event: StopsAmended | PositionReduced | PositionClosed,
    shard: int,
    instruments: Mapping[str, Instrument],
) -> PositionReply:
    """Bring a position to what an event made of it: tables may not have that yet, or may have it already."""
    instrument = instruments[event.symbol]
    if isinstance(event, StopsAmended):
        return position.model_copy(
            update={
                "stop_loss": price_or_null(instrument, event.stop_loss),
                "take_profit": price_or_null(instrument, event.take_profit),
            }
        )
    if isinstance(event, PositionReduced):
        left = quantity(instrument, event.quantity_left)
        if position.status == "closed" or Decimal(position.quantity) <= Decimal(left):
            return position
        return position.model_copy(
            update={
                "quantity": left,
                "margin": money(event.margin_left),
                "liquidation_price": price_or_null(instrument, event.liquidation_price),
                "realized_pnl": _added(position, realized_pnl(event)),
                "unrealized_pnl": None,  # The figure known is of the whole position.
            }
        )
    if position.status == "closed":
        return position
    return position.model_copy(
        update={
            "status": "closed",
            "unrealized_pnl": None,
            "close_price": price(instrument, event.price),
            "realized_pnl": _added(position, realized_pnl(event)),
            "close_reason": event.reason,
            "closed_at": text_of(event.time),
            "receipt_id": event_id(shard, event.seq),
        }
    )


def _added(position: PositionReply, result: int) -> str:
    """Add a result to that of the parts which were closed before."""
    return money(micros(position.realized_pnl or "0") + result)
