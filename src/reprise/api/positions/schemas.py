"""What is said about a position, and what may be changed."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reprise.api.amounts import Decimals
from reprise.api.numbers import Number
from reprise.schemas.messages import CloseReason, Side


class Position(BaseModel):
    """A ticket. unrealized_pnl: at the price it would close at now; null without a price, or once closed."""

    id: str = Field(examples=["2-17"])
    symbol: str = Field(examples=["BTC_USDC"])
    side: Side
    status: Literal["open", "closed"]
    quantity: Decimals
    entry_price: Decimals
    margin: Decimals
    leverage: Decimals
    liquidation_price: Decimals | None
    stop_loss: Decimals | None
    take_profit: Decimals | None
    unrealized_pnl: Decimals | None
    opened_at: str = Field(json_schema_extra={"format": "date-time"})
    close_price: Decimals | None = None
    realized_pnl: Decimals | None = Field(default=None, description="before fees; never below the margin's loss")
    close_reason: CloseReason | None = None
    closed_at: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    receipt_id: str | None = Field(default=None, examples=["2-1234"])


class Positions(BaseModel):
    """A page of positions, the last opened first."""

    items: list[Position]
    next_cursor: str | None


class AmendRequest(BaseModel):
    """New stops: absent keeps, null takes off."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"stop_loss": "49000", "take_profit": None}]}
    )

    stop_loss: Number | None = None
    take_profit: Number | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("stop_loss, take_profit or both must be given")
        return self


class CloseRequest(BaseModel):
    """Close whole; the body may be left out."""

    model_config = ConfigDict(extra="forbid")
