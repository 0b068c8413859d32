"""What is said about an event of the account's history."""

from typing import Any

from pydantic import BaseModel, Field


class AccountEvent(BaseModel):
    """An event as the log has it. seq: the account's own, gap-free, the same as on the WebSocket.

    data: every field of the event, in the ledger's units (money in millionths, prices in ticks, quantities in lots).
    """

    event_id: str = Field(examples=["2-1234"])
    seq: int
    time: str = Field(json_schema_extra={"format": "date-time"})
    type: str = Field(examples=["PositionOpened"])
    data: dict[str, Any]


class AccountEvents(BaseModel):
    """A page of events, the oldest first."""

    items: list[AccountEvent]
    next_cursor: str | None
