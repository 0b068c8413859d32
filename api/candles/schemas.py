"""The shape of a candle."""

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from projector.queries import Interval
from schemas.words import FeedName


class CandleReply(BaseModel, title="Candle"):
    """The mid within an interval of log time. ticks: accepted ones; source: the feed of the last.

    Before a symbol's first tick: minutes of `source`'s own past, without ticks.
    """

    symbol: str
    interval: Interval
    start: str = Field(json_schema_extra={"format": "date-time"})
    open: Decimals
    high: Decimals
    low: Decimals
    close: Decimals
    ticks: int
    closed: bool
    source: FeedName


class Candles(BaseModel):
    """A page of candles, newest first."""

    items: list[CandleReply]
    next_cursor: str | None
