"""What is said about a fill."""

from typing import Literal

from pydantic import BaseModel, Field

from api.amounts import Decimals
from schemas.messages import CloseReason, Side


class Fill(BaseModel):
    """An execution. side: the position's; order_id: the command that asked for it, null for a stop-out."""

    id: str
    time: str = Field(json_schema_extra={"format": "date-time"})
    order_id: str | None
    position_id: str
    symbol: str
    side: Side
    action: Literal["open", "close"]
    price: Decimals
    quantity: Decimals
    fee: Decimals
    realized_pnl: Decimals | None
    reason: CloseReason | None
    event_id: str


class Fills(BaseModel):
    """A page of fills, newest first."""

    items: list[Fill]
    next_cursor: str | None
