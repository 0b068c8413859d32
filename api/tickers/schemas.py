"""The shape of a ticker."""

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.derived import PriceState
from schemas.words import FeedName


class TickerReply(BaseModel, title="Ticker"):
    """A symbol's price. time: when it was last heard to be good, in log time; only a fresh one trades."""

    symbol: str = Field(examples=["BTC_USDC"])
    bid: Decimals | None
    ask: Decimals | None
    mid: Decimals | None
    time: str | None = Field(json_schema_extra={"format": "date-time"})
    age_ms: int | None
    feed: FeedName | None
    state: PriceState
    change_24h: Decimals | None = Field(description="percent of the mid 24 hours ago", examples=["-1.25"])
    high_24h: Decimals | None
    low_24h: Decimals | None


class Tickers(BaseModel):
    """All symbols, in the order of the instruments."""

    items: list[TickerReply]
    next_cursor: str | None = None
