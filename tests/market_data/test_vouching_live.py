"""No feed keeps an old price tradeable, from the venue's messages through publisher, broker and engine to an order."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from confluent_kafka import Producer

from market_data.clock import SystemClock
from market_data.feed import FeedItem, Heartbeat
from market_data.outbox import PriceOutbox
from market_data.pacing import PriceIntervals
from market_data.publisher import PricePublisher
from market_data.quote_board import QuoteBoard
from runtime.kafka import command_producer_options
from runtime.settings import Settings
from schemas.events import PricesUpdated
from schemas.rejections import TickRefusal
from schemas.words import FeedName
from tests.activating import activate
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, ETH, new_metrics, quote
from tests.market_data.ledgers import instrument, ledger_of
from tests.market_data.live_exchange import LiveExchange, live_exchange
from tests.market_data.scripted_venue import Behaviour, Market, scripted_venue
from tests.market_data.test_service import running

WIDE, GOOD, LATE, AHEAD, FALLING = BTC, ETH, "LATE_USDC", "AHEAD_USDC", "FALLING_USDC"
SYMBOLS = (WIDE, GOOD, LATE, AHEAD, FALLING)
NEW, OLD = 0, 1  # the shard under version 2 of the rules, and the one under version 1


def well(market: Market) -> Behaviour:
    return lambda turn: [market.quote(), *([market.ticker()] if turn % 4 == 0 else [])]


def wide(market: Market) -> Behaviour:
    """46,000 / 46,500 is 1.08 % wide."""
    return lambda turn: [market.quote(46_000, 46_500), *([market.ticker()] if turn % 4 == 0 else [])]


def late(market: Market) -> Behaviour:
    return lambda turn: [
        market.quote(46_000, 46_000.1, shift_us=-5_000_001),
        *([market.ticker()] if turn % 4 == 0 else []),
    ]


def ahead_once(market: Market) -> Behaviour:
    def behave(turn: int) -> list[str]:
        messages = [market.quote(50_000, 50_000.1, shift_us=4_900_000)] if turn == 1 else []
        return [*messages, market.quote(46_000, 46_000.1), *([market.ticker()] if turn % 4 == 0 else [])]

    return behave


def falling(market: Market) -> Behaviour:
    """The quotes stop, and what is traded falls by 1 % a second."""

    def behave(turn: int) -> list[str]:
        if turn % 4:
            return []
        market.last *= 0.99
        return [market.ticker()]

    return behave


def test_a_price_that_its_feed_has_left_behind_is_too_old_for_openings_and_then_stale(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=2, engine_worker_id=None)
    with scripted_venue() as venue, live_exchange(made, tmp_path) as exchange:
        markets = {symbol: Market(symbol, 50_000, 50_000.1) for symbol in SYMBOLS}
        for symbol, market in markets.items():
            venue.behave(symbol, well(market))
        exchange.open(instrument(symbol) for symbol in SYMBOLS)
        exchange.send(NEW, activate(shard=NEW))
        with running(made, tmp_path, FEED="backpack", BACKPACK_WS_URL=venue.url) as service:
            exchange.until_accepted(SYMBOLS)
            assert {exchange.outcome_of_opening(shard, GOOD) for shard in exchange.shards} == {"opened"}
            for symbol, behaviour in ((WIDE, wide), (LATE, late), (AHEAD, ahead_once), (FALLING, falling)):
                venue.behave(symbol, behaviour(markets[symbol]))
            time.sleep(4)
            # At five seconds the venue's own time has passed the one tick that was stamped ahead.
            assert exchange.outcome_of_opening(NEW, AHEAD) == "PRICE_TOO_OLD"
            time.sleep(5)
            left = (WIDE, LATE, FALLING)
            outcomes = {
                (shard, symbol): exchange.outcome_of_opening(shard, symbol) for shard in (NEW, OLD) for symbol in left
            }
            assert outcomes == dict.fromkeys(outcomes, "PRICE_STALE")
            for shard in exchange.shards:
                assert exchange.outcome_of_opening(shard, GOOD) == "opened"
                assert exchange.accepted(shard, AHEAD)[-1] == (4_600_000, 4_600_010)
            doubts = service.status()["not_vouched_for"]
            assert doubts[WIDE] == "ill_formed"
            assert doubts[LATE] in {"out_of_time", "not_newer"}
            assert doubts[FALLING] == "contradicted"
            assert GOOD not in doubts
            assert service.numbers()["symbol_vouched", WIDE] == 0
            assert service.numbers()["symbol_vouched", GOOD] == 1
            assert service.stop() == 0


class SlowClock(SystemClock):
    """A clock that is a minute slow."""

    def micros(self) -> int:
        return super().micros() - 60_000_000


class HeardFeed:
    """A feed that quotes twice, so that the price is confirmed, and then only says that it is alive."""

    name: FeedName = "simulated"
    run = "some-run"
    live = False

    async def items(self) -> AsyncIterator[FeedItem]:
        for number in (1, 2):
            yield quote("50000", "50000.1", at=number * 1_000_000, update_id=number)
            await asyncio.sleep(0.5)
        while True:
            yield Heartbeat(symbol=BTC)
            await asyncio.sleep(0.25)


async def published(settings: Settings, exchange: LiveExchange, seconds: float) -> None:
    """Publish that feed by a slow clock for so long after its price is accepted."""
    clock = SlowClock()
    ledger = ledger_of(BTC, shards=2)
    ledger.activate(NEW, 2)
    outbox = PriceOutbox(Producer(command_producer_options(settings)), clock)
    publisher = PricePublisher(
        HeardFeed(), ledger, PriceIntervals(0.1, 0.1), outbox, clock, new_metrics(), QuoteBoard(clock)
    )
    await publisher.select_feed()
    tasks = [asyncio.create_task(work) for work in (publisher.follow(), publisher.send_due_periodically())]
    await asyncio.to_thread(exchange.until_accepted, [BTC])
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_sender_whose_clock_is_wrong_keeps_no_price_fresh(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=2, engine_worker_id=None)
    with live_exchange(made, tmp_path) as exchange:
        exchange.open([instrument(BTC)])
        exchange.send(NEW, activate(shard=NEW))
        asyncio.run(published(made, exchange, 6))
        refused = [
            tick.reason
            for event in exchange.events(NEW)
            if isinstance(event, PricesUpdated)
            for tick in event.refused
            if tick.bid is None
        ]
        assert TickRefusal.CLOCK_SUSPECT in refused
        assert exchange.outcome_of_opening(NEW, BTC) == "PRICE_STALE"
