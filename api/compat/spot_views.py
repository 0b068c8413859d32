"""How a spot order is written to seed 002's clients, wherever it is executed, and how a price is."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from api.compat.names import spot as spot_name
from api.compat.replies import Digits, digits
from api.compat.spot import NOTHING, SpotProgress
from api.http.amounts import mid, rounded
from api.http.times import text_of
from api.log.price_cache import CachedQuote, PriceCache
from api.log.venue_channel import VenueUpdate
from api.tickers.service import ticker_of
from projector.queries import DayStats, VenueOrderRow
from schemas.messages import Instrument


class SpotView(BaseModel):
    """An order and how far it is. price: the average of what was executed, else what was asked for."""

    id: str
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
    createdAt: str  # noqa: N815

    def written(self) -> dict[str, Any]:
        """Give its members; what is null is left out."""
        return self.model_dump(exclude_none=True)


def of_progress(progress: SpotProgress, user_id: str) -> SpotView:
    """Write an order that is executed here."""
    order = progress.order
    price = progress.price if progress.price is not None else _or_null(order.price)
    return SpotView(
        id=order.order_id,
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
        createdAt=text_of(order.created_at),
    )


def of_venue_row(row: VenueOrderRow, user_id: str) -> SpotView:
    """Write an order at the venue."""
    price = row.executed_quote / row.executed_quantity if row.executed_quantity else row.price
    return SpotView(
        id=row.order_id,
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
        createdAt=text_of(row.created_at),
    )


def of_venue_update(update: VenueUpdate, user_id: str) -> SpotView:
    """Write what became of an order at the venue."""
    order = update.order
    executed = _or_null(update.executed_quantity)
    quote = _or_null(update.executed_quote)
    price = quote / executed if executed and quote is not None else _or_null(order.price)
    return SpotView(
        id=order.order_id,
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
        createdAt=text_of(update.time),
    )


def price_view(prices: PriceCache, instrument: Instrument, quote: CachedQuote, day: DayStats | None) -> dict[str, Any]:
    """Write a price. The page formats each member as a number: what is not known yet is as if nothing had changed."""
    ticker = ticker_of(prices, instrument, quote, day)
    price = digits(mid(instrument, quote.bid + quote.ask))
    return {
        "symbol": spot_name(instrument.symbol),
        "price": price,
        "change": NOTHING if day is None else price - digits(mid(instrument, day.open)),
        "changePercent": NOTHING if ticker.change_24h is None else digits(ticker.change_24h),
        "high": price if ticker.high_24h is None else digits(ticker.high_24h),
        "low": price if ticker.low_24h is None else digits(ticker.low_24h),
        "volume": NOTHING,
    }


def _or_null(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _short(price: Decimal) -> Decimal:
    return digits(str(rounded(price)))


def _error(code: str | None, message: str | None) -> str | None:
    return message if code is None else f"{code}: {message or code}"
