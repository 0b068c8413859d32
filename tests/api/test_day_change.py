"""The change of a day: to the nearest hundredth of a percent, of the price that stands beside it."""

import pytest

from api.log.price_cache import CachedQuote, PriceCache
from api.tickers.service import ticker_of
from projector.queries import DayStats
from schemas.instruments import BY_SYMBOL

BTC = BY_SYMBOL["BTC_USDC"]


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        (1_000_000, 1_038_278, "3.83"),
        (1_000_000, 990_563, "-0.94"),
        (1_000_000, 1_001_085, "0.11"),
        (1_000_000, 1_000_049, "0.00"),
        (1_000_000, 999_951, "0.00"),
        (3, 4, "33.33"),
        (3, 2, "-33.33"),
    ],
)
def test_the_change_of_a_day_is_to_the_nearest_hundredth_of_a_percent(before: int, after: int, percent: str) -> None:
    quote = CachedQuote(after // 2, after - after // 2, heard_at=0, feed="simulated")
    day = DayStats("BTC_USDC", open=before, high=before, low=before, last=before)
    assert ticker_of(PriceCache(), BTC, quote, day).change_24h == percent
