"""Routes of candles."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.app_state import DatabaseDep, PricesDep
from api.candles import service
from api.candles.schemas import Candles
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.problems import DATABASE_UNAVAILABLE, MALFORMED, REFUSALS, responses
from api.http.times import Moment
from projector.queries import Interval
from schemas.rejections import Rejection

router = APIRouter(prefix="/candles", tags=["market"])


@router.get(
    "",
    responses=responses(REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404), MALFORMED, DATABASE_UNAVAILABLE),
)
async def list_candles(
    database: DatabaseDep,
    prices: PricesDep,
    symbol: Annotated[str, Query(max_length=32, examples=["BTC_USDC"])],
    interval: Annotated[Interval, Query()] = "1m",
    start: Annotated[Moment | None, Query(alias="from", description="first start, RFC 3339")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="starts before this, RFC 3339")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Candles:
    """List a symbol's candles of the mid, newest first; minutes are of log time."""
    return await service.page(database, prices, symbol, interval, start, end, limit, cursor)
