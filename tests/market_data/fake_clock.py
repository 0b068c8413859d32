"""Shared helpers of market data's tests: a fake clock, and short ways to write quotes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from market_data.feed import FeedItem, FeedQuote
from market_data.metrics import FeedMetrics

DATA = Path(__file__).parent.parent / "data"
REAL_QUOTES = DATA / "btc_book_ticker_2021-01-08.jsonl"
REAL_BARS = DATA / "btc_perp_1m_2022-01-01_to_08.csv.gz"
BTC = "BTC_USDC"
ETH = "ETH_USDC"
START_US = 1_700_000_000_000_000


class FakeClock:
    """Time passes only by sleeping, and then at once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def micros(self) -> int:
        return START_US + round(self.seconds * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def quote(bid: str, ask: str, *, at: int = START_US, update_id: int = 1, symbol: str = BTC) -> FeedQuote:
    return FeedQuote(symbol=symbol, bid=bid, ask=ask, source_time=at, update_id=update_id)


def new_metrics() -> FeedMetrics:
    return FeedMetrics(CollectorRegistry())


def counter_value(metrics: FeedMetrics, name: str, **labels: str) -> float:
    """Give a counter's value; 0 where it was never touched."""
    return metrics.registry.get_sample_value(f"{name}_total", labels) or 0.0


async def next_items(items: AsyncIterator[FeedItem], count: int, timeout_s: float = 60.0) -> list[FeedItem]:
    """Give the next so many items."""
    async with asyncio.timeout(timeout_s):
        return [await anext(items) for _ in range(count)]


async def next_quotes(items: AsyncIterator[FeedItem], count: int, timeout_s: float = 60.0) -> list[FeedQuote]:
    """Give the next so many quotes, whatever comes between them."""
    found: list[FeedQuote] = []
    async with asyncio.timeout(timeout_s):
        while len(found) < count:
            item = await anext(items)
            if isinstance(item, FeedQuote):
                found.append(item)
    return found
