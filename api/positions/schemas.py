"""The shapes of a position, and of requests to change or close one."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.amounts import Decimals
from api.http.numbers import Number
from api.http.sentences import FieldWrong
from schemas.messages import CloseReason, Side


class PositionReply(BaseModel, title="Position"):
    """A ticket. unrealized_pnl: at the price it would close at now; null without a price, or once closed."""

    id: str = Field(examples=["2-17"])
    symbol: str = Field(examples=["BTC_USDC"])
    side: Side
    status: Literal["open", "closed"]
    quantity: Decimals = Field(description="what is open, or was when the last of it was closed")
    entry_price: Decimals
    margin: Decimals
    leverage: Decimals
    liquidation_price: Decimals | None
    stop_loss: Decimals | None
    take_profit: Decimals | None
    unrealized_pnl: Decimals | None
    opened_at: str = Field(json_schema_extra={"format": "date-time"})
    close_price: Decimals | None = None
    realized_pnl: Decimals | None = Field(default=None, description="before fees; with that of parts closed before")
    close_reason: CloseReason | None = None
    closed_at: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    receipt_id: str | None = Field(default=None, examples=["2-1234"])


class Positions(BaseModel):
    """A page of positions, the last opened first."""

    items: list[PositionReply]
    next_cursor: str | None


STOPS: Final = ("stop_loss", "take_profit")


class AmendRequest(BaseModel):
    """New stops: absent keeps, null takes off."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"stop_loss": "49000", "take_profit": None}], "minProperties": 1},
    )

    stop_loss: Number | None = None
    take_profit: Number | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.model_fields_set.isdisjoint(STOPS):
            raise FieldWrong("stop_loss, take_profit or both must be given")
        return self


class Closing(BaseModel):
    """What became of the close of one position."""

    position_id: str = Field(examples=["2-17"])
    command_id: str
    status: Literal["pending", "done", "rejected"]
    code: str | None = Field(default=None, description="the refusal's name", examples=["PRICE_STALE"])
    position: PositionReply | None = None


class Closings(BaseModel):
    """What became of every position that was open; all of them on one page."""

    items: list[Closing]
    next_cursor: str | None = None


class CloseRequest(BaseModel):
    """How much to close; the body may be left out, and then it is all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"quantity": "0.04"}]})

    quantity: Number | None = Field(default=None, description="absent or null: all of it")
