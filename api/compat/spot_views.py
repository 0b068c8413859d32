"""How a spot order is written to seed 002's clients, wherever it is executed."""

from decimal import Context, Decimal
from typing import Any, Final

from pydantic import BaseModel, Field

from api.compat.names import spot as spot_name
from api.compat.replies import Digits, digits
from api.compat.spot import PRICE_PLACES, SpotProgress
from api.http.times import text_of
from api.log.venue_channel import VenueUpdate
from projector.queries import VenueOrderRow

_STEP: Final = Decimal(1).scaleb(-PRICE_PLACES)
_WIDE: Final = Context(prec=50)  # the venue is told prices of up to forty digits


class SpotView(BaseModel):
    """An order and how far it is. price: the average of what was executed, else what was asked for."""

    orderId: str  # noqa: N815  # The seed's own names.
    userId: str  # noqa: N815
    status: str = Field(examples=["FILLED"])
    symbol: str = Field(examples=["BTCUSDT"])
    side: str = Field(examples=["BUY"])
    type: str = Field(examples=["MARKET"])
    quantity: Digits
    executedQty: Digits | None = None  # noqa: N815
    price: Digits | None = None
    binanceOrderId: int | None = None  # noqa: N815
    error: str | None = None
    timestamp: str

    def written(self) -> dict[str, Any]:
        """Give its members; what is null is left out."""
        return self.model_dump(exclude_none=True)


def of_progress(progress: SpotProgress, user_id: str) -> SpotView:
    """Write an order that is executed here."""
    order = progress.order
    price = progress.price if progress.price is not None else _or_null(order.price)
    return SpotView(
        orderId=order.order_id,
        userId=user_id,
        status=progress.status,
        symbol=spot_name(order.symbol),
        side=order.side,
        type=order.type,
        quantity=digits(order.quantity),
        executedQty=digits(str(progress.executed)),
        price=None if price is None else _short(price),
        error=progress.error,
        timestamp=text_of(order.created_at),
    )


def of_venue_row(row: VenueOrderRow, user_id: str) -> SpotView:
    """Write an order at the venue."""
    price = row.executed_quote / row.executed_quantity if row.executed_quantity else row.price
    return SpotView(
        orderId=row.order_id,
        userId=user_id,
        status=row.status.upper(),
        symbol=row.symbol,
        side=row.side.upper(),
        type=row.type,
        quantity=digits(str(row.quantity)),
        executedQty=digits(str(row.executed_quantity)),
        price=None if price is None else _short(price),
        binanceOrderId=row.venue_order_id,
        error=_error(row.code, row.message),
        timestamp=text_of(row.created_at),
    )


def of_venue_update(update: VenueUpdate, user_id: str) -> SpotView:
    """Write what became of an order at the venue."""
    order = update.order
    executed = _or_null(update.executed_quantity)
    quote = _or_null(update.executed_quote)
    price = quote / executed if executed and quote is not None else _or_null(order.price)
    return SpotView(
        orderId=order.order_id,
        userId=user_id,
        status=update.status.upper(),
        symbol=order.symbol,
        side=order.side.upper(),
        type=order.type,
        quantity=digits(order.quantity),
        executedQty=None if executed is None else digits(str(executed)),
        price=None if price is None else _short(price),
        binanceOrderId=update.venue_order_id,
        error=_error(update.code, update.message),
        timestamp=text_of(update.time),
    )


def _or_null(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _short(price: Decimal) -> Decimal:
    return digits(str(price.quantize(_STEP, context=_WIDE)))


def _error(code: str | None, message: str | None) -> str | None:
    return message if code is None else f"{code}: {message or code}"
