"""The shapes of an account, its ledger lines, fills and events in replies."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.derived import LedgerKind
from schemas.messages import CloseReason, Side


class AccountReply(BaseModel, title="Account"):
    """Balance is cash and margins; equity adds the unrealised profit; free margin is cash."""

    account_id: str
    balance: Decimals
    equity: Decimals
    used_margin: Decimals
    free_margin: Decimals
    margin_level: Decimals | None = Field(description="equity / used margin, rounded down; null without a position")
    unrealized_pnl: Decimals


class LedgerLine(BaseModel):
    """A signed change of the balance; all of them sum to it."""

    id: str = Field(examples=["2-1234.0"])
    time: str = Field(json_schema_extra={"format": "date-time"})
    kind: LedgerKind
    amount: Decimals
    balance_after: Decimals
    position_id: str | None
    event_id: str


class LedgerLines(BaseModel):
    """A page of lines, newest first."""

    items: list[LedgerLine]
    next_cursor: str | None


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


class AccountEventReply(BaseModel, title="AccountEvent"):
    """An event as the log has it. seq: the account's own, gap-free, the same as on the WebSocket.

    data: every field of the event, in the ledger's units (money in millionths, prices in ticks, quantities in lots);
    bytes, as `command_hash`, in hex digits.
    """

    event_id: str = Field(examples=["2-1234"])
    seq: int
    time: str = Field(json_schema_extra={"format": "date-time"})
    type: str = Field(examples=["PositionOpened"])
    data: dict[str, Any]


class AccountEvents(BaseModel):
    """A page of events, the oldest first."""

    items: list[AccountEventReply]
    next_cursor: str | None
