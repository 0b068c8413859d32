"""The shapes of what is asked and answered about the outside venue: keys, orders there, and what is held there."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.http.amounts import Decimals, plain, rounded
from api.http.numbers import Text
from api.http.times import text_of
from api.venue.keys import LENGTH_MAX, PRINTABLE
from projector.queries import VenueOrderRow, VenuePositionRow
from schemas.venue import VenueStatus
from schemas.venue_messages import VenueSide

TIME_EXAMPLE = "2026-01-02T03:04:05.000006Z"

Key = Annotated[Text, Field(pattern=f"^{PRINTABLE}$", max_length=LENGTH_MAX)]


class VenueKeysRequest(BaseModel):
    """An API key of Binance's testnet and its secret: permitted to trade, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    api_key: Key
    secret_key: Key


class VenueKeysReply(BaseModel):
    """Whether you have stored keys; the keys themselves are given to nobody."""

    stored: bool


class VenueOrderReply(BaseModel):
    """An order of yours at the venue, in its own words and places; prices are in its quote asset.

    executed_price: the average of what was executed, null before; code, message: why it was refused or ended;
    updated_at: when the venue last told something of it.
    """

    order_id: str
    venue_order_id: int | None
    status: VenueStatus
    symbol: str = Field(examples=["BTCUSDT"])
    side: VenueSide
    type: str = Field(examples=["LIMIT"])
    quantity: Decimals
    price: Decimals | None
    stop_price: Decimals | None
    time_in_force: str | None
    executed_quantity: Decimals
    executed_price: Decimals | None
    code: str | None
    message: str | None
    created_at: str = Field(examples=[TIME_EXAMPLE])
    updated_at: str = Field(examples=[TIME_EXAMPLE])


class VenueOrders(BaseModel):
    """A page of orders at the venue, newest first."""

    items: list[VenueOrderReply]
    next_cursor: str | None


class VenuePositionReply(BaseModel):
    """What you hold of a symbol at the venue, net; negative where more was sold there than bought."""

    symbol: str
    quantity: Decimals
    average_entry_price: Decimals | None
    realized_pnl: Decimals


class VenueStanding(BaseModel):
    """How the exchange keeps to the venue for you.

    compared_every_ms: open orders are compared with the venue's so often; undone_fills: executions that a reset of the
    venue undid, which count no more.
    """

    keys_stored: bool
    compared_every_ms: int
    open_orders: int
    undone_fills: int
    positions: list[VenuePositionReply]


def venue_order_reply(row: VenueOrderRow) -> VenueOrderReply:
    """Write an order."""
    return VenueOrderReply(
        order_id=row.order_id,
        venue_order_id=row.venue_order_id,
        status=row.status,
        symbol=row.symbol,
        side=row.side,
        type=row.type,
        quantity=plain(row.quantity),
        price=_plain_or_null(row.price),
        stop_price=_plain_or_null(row.stop_price),
        time_in_force=row.time_in_force,
        executed_quantity=plain(row.executed_quantity),
        executed_price=_average(row.executed_quote / row.executed_quantity) if row.executed_quantity else None,
        code=row.code,
        message=row.message,
        created_at=text_of(row.created_at),
        updated_at=text_of(row.updated_at),
    )


def venue_position_reply(row: VenuePositionRow) -> VenuePositionReply:
    """Write a position."""
    return VenuePositionReply(
        symbol=row.symbol,
        quantity=plain(row.quantity),
        average_entry_price=_average(row.average_entry_price),
        realized_pnl=plain(row.realized_pnl),
    )


def _plain_or_null(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _average(price: Decimal | None) -> str | None:
    return None if price is None else plain(rounded(price))
