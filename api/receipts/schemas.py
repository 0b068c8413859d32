"""What a receipt says, enough to check it with a calculator."""

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.messages import CloseReason, Side


class ReceiptTick(BaseModel):
    """The tick a position was closed at; command_offset: its place in the shard's log."""

    bid: Decimals
    ask: Decimals
    source_time: str = Field(json_schema_extra={"format": "date-time"})
    command_offset: int


class Shortfall(BaseModel):
    """A loss beyond the margin, and who paid it."""

    amount: Decimals
    insurance_paid: Decimals
    written_off: Decimals


class Rest(BaseModel):
    """What stayed open when a part was closed; released: of the margin, for the part."""

    quantity: Decimals
    entry_notional: Decimals
    margin: Decimals
    liquidation_price: Decimals | None
    released: Decimals


class Receipt(BaseModel):
    """A close, of all or of a part. equity and requirement, the least equity there had to be: before the close.

    Of all: equity = margin + profit; fee or liquidation_fee is paid from what is left; margin_returned is what came
    back to cash. Of a part: quantity, the notionals, profit and fee are the part's, and `rest` says what stayed;
    margin_returned = released + what profit less fee is above zero.
    """

    event_id: str
    time: str = Field(json_schema_extra={"format": "date-time"})
    position_id: str
    symbol: str
    side: Side
    rule: CloseReason
    trigger_price: Decimals | None = Field(description="null for a close by hand")
    open_price: Decimals | None = Field(
        default=None,
        description="the price nearest to trigger_price at which the rule would have left the position open; null for "
        "a close by hand",
    )
    tick: ReceiptTick
    quantity: Decimals
    entry_price: Decimals
    close_price: Decimals
    entry_notional: Decimals
    close_notional: Decimals
    margin: Decimals
    profit: Decimals
    equity: Decimals
    requirement: Decimals
    fee: Decimals
    liquidation_fee: Decimals
    margin_returned: Decimals
    realized_pnl: Decimals = Field(description="profit + shortfall: what the ledger says")
    shortfall: Shortfall
    rest: Rest | None = Field(default=None, description="null where all was closed")
    command_id: str | None
    command_offset: int
    opened_at: str = Field(json_schema_extra={"format": "date-time"})


class TickClosing(BaseModel):
    """One of the closes of a tick. place: in the shard's ledger, from 1; yours: whether it is the caller's."""

    place: int
    yours: bool
    side: Side
    quantity: Decimals
    close_price: Decimals
    rule: CloseReason


class TickClosings(BaseModel):
    """What closed together with a position, in the ledger's order; whose it was is told of the caller's own only."""

    symbol: str
    place: int = Field(description="of the receipt's own close")
    count: int = Field(description="closes of the shard at this tick")
    items: list[TickClosing] = Field(description="the receipt's own close and at most 50 before and after it")
    elsewhere: int = Field(description="closes by the same tick in the other shards, beside which there is no order")
