"""The shapes of a request for a price alert, and of an alert."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.http.amounts import Decimals, mid, price
from api.http.numbers import Number, Text
from api.http.times import text_of
from projector.queries.alert_queries import AlertRow, Direction, Status
from schemas.messages import Instrument

TIME_EXAMPLE = "2026-01-02T03:04:05.000006Z"


class AlertRequest(BaseModel):
    """Tell me once when the mid gets to this price; the price must be a multiple of the instrument's tick."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"symbol": "BTC_USDC", "price": "60000.0", "note": "sell"}]}
    )

    symbol: Annotated[Text, Field(max_length=32, examples=["BTC_USDC"])]
    direction: Direction | None = Field(default=None, description="left out: towards the price, from where the mid is")
    price: Number
    note: Annotated[Text, Field(max_length=200)] | None = None


class Alert(BaseModel):
    """An alert of yours; it triggers once.

    triggered_at: log time of the price that reached it; triggered_price: the mid then, and where it went beyond and
    came back between two prices, the furthest.
    """

    id: str
    symbol: str
    direction: Direction
    price: Decimals
    note: str | None
    status: Status
    created_at: str = Field(examples=[TIME_EXAMPLE])
    triggered_at: str | None = Field(examples=[TIME_EXAMPLE])
    triggered_price: Decimals | None


class Alerts(BaseModel):
    """A page of alerts, the last made first."""

    items: list[Alert]
    next_cursor: str | None


def alert_reply(row: AlertRow, instruments: Mapping[str, Instrument]) -> Alert:
    """Write an alert."""
    instrument = instruments[row.symbol]
    return Alert(
        id=str(row.alert_id),
        symbol=row.symbol,
        direction=row.direction,
        price=price(instrument, row.price),
        note=row.note,
        status="active" if row.triggered_at is None else "triggered",
        created_at=text_of(row.created_at),
        triggered_at=None if row.triggered_at is None else text_of(row.triggered_at),
        triggered_price=None if row.triggered_mid is None else mid(instrument, row.triggered_mid),
    )
