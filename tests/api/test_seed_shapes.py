"""The parts that the seeds' interfaces are made of, each alone: slippages, times, intervals, and prices."""

from datetime import UTC, datetime

import pytest

from api.compat.candles import INTERVALS, bounds, moment
from api.compat.slippage import basis_points
from api.compat.spot_views import price_view
from api.http.problems import ApiError
from api.log.price_cache import CachedQuote, PriceCache
from projector.queries import DayStats
from schemas.instruments import BY_SYMBOL

AT = datetime(2026, 2, 17, 13, 47, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "bps"),
    [
        ("0", 0),
        ("50", 50),
        (100, 100),
        ("5e1", 50),
        ("0.1", 10),
        ("0.5", 50),
        ("1.25", 125),
        ("0.125", 12),
        ("0.001", 0),
        (10_000, 10_000),
        ("99.99", 9_999),
    ],
)
def test_a_slippage_is_basis_points_as_a_whole_number_and_percent_with_decimals(sent: object, bps: int) -> None:
    assert basis_points(sent) == bps


@pytest.mark.parametrize("sent", ["1e30", "-0.5", "-1", 10_001, "100.5", "much", True, None])
def test_a_slippage_out_of_range_or_of_no_digits_is_refused(sent: object) -> None:
    with pytest.raises(ValueError, match=r"0 to 100 percent|decimal number|must be a number"):
        basis_points(sent)


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("3m", "2026-02-17T13:45", "2026-02-17T13:48"),
        ("2h", "2026-02-17T12:00", "2026-02-17T14:00"),
        ("6h", "2026-02-17T12:00", "2026-02-17T18:00"),
        ("8h", "2026-02-17T08:00", "2026-02-17T16:00"),
        ("12h", "2026-02-17T12:00", "2026-02-18T00:00"),
        ("1d", "2026-02-17T00:00", "2026-02-18T00:00"),
        ("3d", "2026-02-15T00:00", "2026-02-18T00:00"),
        ("1w", "2026-02-16T00:00", "2026-02-23T00:00"),
        ("1M", "2026-02-01T00:00", "2026-03-01T00:00"),
    ],
)
def test_a_candle_begins_and_ends_where_its_interval_does(interval: str, start: str, end: str) -> None:
    one = INTERVALS[interval]
    began = one.start_of(AT)
    assert began == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert one.start_of(began) == began
    assert one.end_of(began) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", " ", "0", "0.0", "-0", "0e5"])
def test_no_time_and_a_time_of_zero_are_no_bound(text: str | None) -> None:
    assert moment("startTime", text) is None


def test_a_time_is_read_as_seconds_as_milliseconds_and_as_text() -> None:
    for text in ("1771336025", "1771336025000", "2026-02-17T13:47:05Z", "2026-02-17T13:47:05"):
        assert moment("startTime", text) == AT


@pytest.mark.parametrize(("start", "end"), [("2", "2"), ("3", "2")])
def test_bounds_that_hold_nothing_are_refused_by_the_names_they_came_under(start: str, end: str) -> None:
    with pytest.raises(ApiError, match="startTime: must be before `endTime`"):
        bounds(("startTime", "endTime"), start, end)


def test_every_member_of_a_price_is_a_number_before_and_after_the_day_is_known() -> None:
    instrument = BY_SYMBOL["BTC_USDC"]
    quote = CachedQuote(499_999, 500_000, 1, "simulated")
    prices = PriceCache()
    prices.start_from("BTC_USDC", quote)
    day = DayStats("BTC_USDC", open=990_000, high=1_010_000, low=980_000, last=999_999)
    for known in (None, day):
        view = price_view(prices, instrument, quote, known)
        numbers = {name: float(value) for name, value in view.items() if name != "symbol"}
        assert numbers["price"] == 49_999.95
        if known is None:
            assert (numbers["change"], numbers["changePercent"], numbers["volume"]) == (0, 0, 0)
            assert numbers["high"] == numbers["low"] == numbers["price"]
        else:
            assert numbers["changePercent"] > 0
            assert (numbers["high"], numbers["low"]) == (50_500, 49_000)
