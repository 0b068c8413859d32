"""What is said about a ledger line."""

from typing import Literal

from pydantic import BaseModel, Field

from api.amounts import Decimals


class LedgerLine(BaseModel):
    """A signed change of the balance; all of them sum to it."""

    id: str = Field(examples=["2-1234.0"])
    time: str = Field(json_schema_extra={"format": "date-time"})
    kind: Literal["deposit", "withdrawal", "fee", "realized_pnl", "liquidation_fee"]
    amount: Decimals
    balance_after: Decimals
    position_id: str | None
    event_id: str


class LedgerLines(BaseModel):
    """A page of lines, newest first."""

    items: list[LedgerLine]
    next_cursor: str | None
