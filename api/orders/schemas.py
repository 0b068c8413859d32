"""The shapes of a request for an order, and of an order."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from api.http.amounts import Decimals
from api.http.numbers import Leverage, Money, Number, Text, Whole
from api.http.sentences import Details, FieldWrong
from schemas.messages import Side
from schemas.words import PositionWarning

ClientOrderId = Annotated[Text, Field(pattern=r"^[A-Za-z0-9._:-]{1,36}$", examples=["my-order-1"])]


def _only(given: str, absent: str) -> JsonDict:
    """Say in a schema that of two fields one is given and the other is not."""
    return {
        "required": [given],
        "properties": {given: {"not": {"type": "null"}}, absent: {"type": "null"}},
    }


class OrderRequest(BaseModel):
    """Open a position at the market's price; exactly one of margin and quantity."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "100", "leverage": "10"}],
            "oneOf": [_only("margin", "quantity"), _only("quantity", "margin")],
        },
    )

    symbol: Annotated[Text, Field(max_length=32, examples=["BTC_USDC"])]
    side: Side
    type: Literal["market"] = "market"
    margin: Money | None = None
    quantity: Number | None = None
    leverage: Leverage
    stop_loss: Number | None = None
    take_profit: Number | None = None
    slippage_bps: Whole | None = Field(default=None, description="worst distance from expected_price, in basis points")
    expected_price: Number | None = Field(default=None, description="a guard; the fill is at the server's price")
    client_order_id: ClientOrderId | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.margin is None) == (self.quantity is None):
            raise FieldWrong("exactly one of margin and quantity must be given")
        return self


class OrderReply(BaseModel, title="Order"):
    """An order. code: why it was rejected.

    What a rejected order asked for is in no event: the process that sent it tells it for a while, any other gives null.
    """

    order_id: str
    command_id: str
    client_order_id: str | None = None
    status: Literal["pending", "filled", "cancelled", "rejected", "expired"]
    code: str | None = Field(default=None, examples=["INSUFFICIENT_MARGIN"])
    position_id: str | None = Field(default=None, examples=["2-17"])
    symbol: str | None = None
    side: Side | None = None
    type: Literal["market"] = "market"
    price: Decimals | None = Field(default=None, description="of the fill")
    quantity: Decimals | None = None
    margin: Decimals | None = None
    leverage: Decimals | None = None
    liquidation_price: Decimals | None = None
    warnings: list[PositionWarning] = []
    decided_at: str | None = Field(
        default=None, description="log time of its outcome; null before", json_schema_extra={"format": "date-time"}
    )


class PreviewRefusal(BaseModel):
    """A reason why the order would be refused now."""

    code: str = Field(examples=["INSUFFICIENT_MARGIN"])
    detail: str = Field(examples=["Not enough free margin: 100.00 are needed, and 40.00 are free"])
    details: Details | None = Field(description="the bound, and what was sent")


class PreviewReply(BaseModel, title="OrderPreview"):
    """What an order would come to now, by the engine's own code. Nothing is in the log, and prices move on.

    The figures are what they would be if nothing were in the way; null where nothing can be said, as without a price.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "filled",
                    "refusals": [],
                    "symbol": "BTC_USDC",
                    "side": "long",
                    "price": "50000.0",
                    "price_age_ms": 120,
                    "quantity": "0.10000",
                    "notional": "5000.000000",
                    "margin": "100.000000",
                    "leverage": "50.00",
                    "fee": "0.000000",
                    "close_fee": "0.000000",
                    "liquidation_price": "49246.2",
                    "loss_max": "100.000000",
                    "free_margin_before": "5000.000000",
                    "free_margin_after": "4900.000000",
                    "warnings": [],
                }
            ]
        }
    )

    status: Literal["filled", "rejected"] = Field(description="what an order sent now would be")
    refusals: list[PreviewRefusal] = Field(description="every one there is, in the engine's order; it names the first")
    symbol: str
    side: Side
    price: Decimals | None = Field(description="of the fill: a long at the ask, a short at the bid")
    price_age_ms: int | None = Field(description="since the price was last heard")
    quantity: Decimals | None
    notional: Decimals | None
    margin: Decimals | None
    leverage: Decimals
    fee: Decimals | None = Field(description="of the opening, on top of the margin")
    close_fee: Decimals | None = Field(description="of a close at the same price, from the margin")
    liquidation_price: Decimals | None
    loss_max: Decimals | None = Field(description="margin and fee: the position can cost no more")
    free_margin_before: Decimals
    free_margin_after: Decimals | None = Field(description="below zero where there is too little")
    warnings: list[PositionWarning]


class Orders(BaseModel):
    """A page of orders, newest first."""

    items: list[OrderReply]
    next_cursor: str | None
