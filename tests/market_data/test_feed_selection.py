"""A recording whose market is about to be defined waits for it, and says so where it never is."""

import asyncio
from pathlib import Path

from market_data.feed import FeedEnded, FeedItem
from market_data.feed_selection import MARKET_WITHIN_S, choose_feed
from market_data.ledger import FollowedLedger
from runtime.settings import Settings
from tests.market_data.fake_clock import BTC, FakeClock, new_metrics
from tests.market_data.ledgers import DOGE, instrument, ledger_of


class DefiningClock(FakeClock):
    """While it waits for the third time, a market is defined."""

    def __init__(self, ledger: FollowedLedger, symbol: str) -> None:
        super().__init__()
        self._ledger = ledger
        self._symbol = symbol

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) == 3:
            self._ledger.define(0, [instrument(self._symbol)])


def items_of(folder: Path, clock: FakeClock, ledger: FollowedLedger) -> list[FeedItem]:
    file = folder / "doge_usdt.csv"
    file.write_text("1640995200,0.1,0.1,0.1,0.1\n")
    settings = Settings(feed=f"recorded:{file}", feed_speed="max", start_id="first", data=folder)

    async def items() -> list[FeedItem]:
        return [item async for item in (await choose_feed(settings, ledger, clock, new_metrics())).items()]

    return asyncio.run(items())


def test_a_recording_waits_for_its_market_that_is_about_to_be_defined(tmp_path: Path) -> None:
    ledger = ledger_of(BTC)
    items = items_of(tmp_path, DefiningClock(ledger, DOGE), ledger)
    assert len(items) == 5
    assert items[-1] == FeedEnded()


def test_a_recording_of_a_market_that_is_never_defined_stops_and_says_what_it_has(tmp_path: Path) -> None:
    clock = FakeClock()
    (ended,) = items_of(tmp_path, clock, ledger_of(BTC))
    assert isinstance(ended, FeedEnded)
    assert "has no quote of BTC_USDC; it has DOGE_USDC" in (ended.failure or "")
    assert MARKET_WITHIN_S <= clock.seconds < MARKET_WITHIN_S + 1
