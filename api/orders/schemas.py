"""The shapes of a request for an order, and of an order."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from api.http.amounts import Decimals
from api.http.numbers import Leverage, Money, Number, Text, Whole
from api.http.sentences import FieldWrong
from schemas.messages import PositionWarning, Side

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


class Orders(BaseModel):
    """A page of orders, newest first."""

    items: list[OrderReply]
    next_cursor: str | None
