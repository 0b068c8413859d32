"""The shape of an instrument."""

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.messages import MarketStatus


class InstrumentReply(BaseModel, title="Instrument"):
    """What may be traded."""

    symbol: str = Field(examples=["BTC_USDC"])
    status: MarketStatus
    tick_size: Decimals
    lot_size: Decimals
    quantity_min: Decimals
    quantity_max: Decimals
    leverage_min: Decimals
    leverage_max: Decimals
    maintenance_rate: Decimals = Field(description="of the notional", examples=["0.005000"])
    slippage_bps: int


class Instruments(BaseModel):
    """All instruments, in the order they are served."""

    items: list[InstrumentReply]
    next_cursor: str | None = None
