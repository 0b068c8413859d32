"""The simulation is the same for a seed, lively at its start, never stale, and moves like a market afterwards."""

import asyncio
import random
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise, takewhile

import pytest

from market_data import simulated_feed
from market_data.conversion import price_defect, to_ticks
from market_data.feed import FeedItem, FeedQuote, Heartbeat
from market_data.ledger import FollowedLedger
from market_data.simulated_feed import PriceMove, RandomWalks, SimulatedFeed, _change
from schemas.instruments import START_PRICES
from schemas.messages import Instrument
from schemas.units import Ppm
from tests.market_data.fake_clock import BTC, START_US, FakeClock, next_items
from tests.market_data.ledgers import DOGE, instrument, ledger_of

SECOND = 1_000_000
NARROW = Ppm(3_000)  # of a new ledger


def walk(seed: int, first_prices: Mapping[str, int] = START_PRICES) -> Iterator[PriceMove]:
    walks = RandomWalks(seed)
    for symbol, price in first_prices.items():
        walks.begin(symbol, price)
    while True:
        yield walks.take()


def feed_of(clock: FakeClock, ledger: FollowedLedger, seed: int = 1, first_price: int = 600_000) -> SimulatedFeed:
    return SimulatedFeed("run", seed, ledger, lambda _: first_price, clock)


def first_items(feed: SimulatedFeed, count: int) -> list[FeedItem]:
    return asyncio.run(next_items(feed.items(), count))


def test_a_seed_always_gives_its_own_walk_and_another_seed_another_walk() -> None:
    first, again, other = (list(islice(walk(seed), 5_000)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [(move.at, move.symbol, move.bid, move.ask) for move in first[:3]] == [
        (0, "BTC_USDC", 599975, 600026),
        (0, "ETH_USDC", 299995, 300006),
        (0, "SOL_USDC", 14999, 15002),
    ]


def test_each_symbol_is_quoted_every_200_ms_without_a_jump_for_the_first_three_seconds() -> None:
    for seed in range(20):
        for symbol in START_PRICES:
            moves = [m for m in takewhile(lambda m: m.at <= 4 * SECOND, walk(seed)) if m.symbol == symbol]
            start = [move for move in moves if move.at <= 3 * SECOND + 200_000]
            assert start[-1].at >= 3 * SECOND
            assert all(after.at - before.at <= 200_000 for before, after in pairwise(start))
            assert all(abs(move.bid - start[0].bid) * 100 <= start[0].bid for move in start)


def test_the_walk_has_quiet_spells_and_jumps_mostly_within_the_price_rule() -> None:
    moves = list(islice(walk(5, {"BTC_USDC": 600_000}), 60_000))
    gaps = [after.at - before.at for before, after in pairwise(moves)]
    jumps = [after for before, after in pairwise(moves) if abs(after.bid - before.bid) * 1_000 > 2 * before.bid]
    assert max(gaps) > 5 * SECOND
    assert 10 < len(jumps) < 40
    assert all(before.at <= after.at for before, after in pairwise(moves))
    dice = random.Random(1)
    changes = [abs(_change(dice, steady=False)) for _ in range(2_000_000)]
    assert 1_000 > sum(change > 2_000 for change in changes) > 400
    assert 10 > sum(change > 100_000 for change in changes) > 0


def test_a_jump_beyond_the_price_rule_is_confirmed_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_feed, "BIG_JUMP_ONE_IN", 1)
    moves = list(islice(walk(1, {"BTC_USDC": 600_000}), 40_000))
    jumps = [
        place
        for place, (before, after) in enumerate(pairwise(moves[:-50]), 1)
        if abs(after.bid - before.bid) * 10 > before.bid
    ]
    assert len(jumps) > 5
    for place in jumps:
        jump = moves[place]
        confirming = next(move for move in moves[place:] if move.at >= jump.at + 500_000)
        assert confirming.at <= jump.at + 700_000
        assert abs(confirming.bid - jump.bid) * 100 < jump.bid


def test_the_walk_starts_at_the_given_price() -> None:
    first = next(walk(1, {"SOL_USDC": 12_345}))
    assert first.bid <= 12_345 < first.ask


@pytest.mark.parametrize("spread_max", [NARROW, Ppm(40), Ppm(0)])
@pytest.mark.parametrize("first_price", [100, 333, 12_345, 600_000])
def test_every_quote_is_well_formed_by_the_instrument_s_own_spread(first_price: int, spread_max: Ppm) -> None:
    feed = feed_of(FakeClock(), ledger_of(BTC, spread_max=spread_max), first_price=first_price)
    quotes = [item for item in first_items(feed, 3_000) if isinstance(item, FeedQuote)]
    of = instrument(BTC, spread_max=spread_max)
    assert {price_defect(to_ticks(quote, of), of) for quote in quotes} == {None}


def test_the_feed_plays_the_walk_by_the_clock() -> None:
    clock = FakeClock()
    items = first_items(feed_of(clock, ledger_of(BTC)), 3_000)
    quotes = [item for item in items if isinstance(item, FeedQuote)]
    moves = list(islice(walk(1, {"BTC_USDC": 600_000}), len(quotes)))
    assert [to_ticks(quote, instrument(BTC)) for quote in quotes] == [(move.bid, move.ask) for move in moves]
    assert all(abs(q.source_time - START_US - m.at) <= 2 for q, m in zip(quotes, moves, strict=True))
    assert all(a.source_time < b.source_time and a.update_id < b.update_id for a, b in pairwise(quotes))
    assert max(clock.slept) <= 0.5


def test_every_symbol_is_heard_each_half_second_however_quiet_it_is_beside_the_others() -> None:
    clock = FakeClock()
    symbols = tuple(START_PRICES)

    async def longest_silences() -> dict[str, float]:
        heard = dict.fromkeys(symbols, 0.0)
        longest = dict.fromkeys(symbols, 0.0)
        quiet = dict.fromkeys(symbols, 0.0)
        quoted = dict.fromkeys(symbols, 0.0)
        async for item in feed_of(clock, ledger_of(*symbols)).items():
            assert isinstance(item, FeedQuote | Heartbeat)
            longest[item.symbol] = max(longest[item.symbol], clock.seconds - heard[item.symbol])
            heard[item.symbol] = clock.seconds
            if isinstance(item, FeedQuote):
                quiet[item.symbol] = max(quiet[item.symbol], clock.seconds - quoted[item.symbol])
                quoted[item.symbol] = clock.seconds
            if clock.seconds > 1_200:
                break
        assert max(quiet.values()) > 5, "there were quiet spells, which without heartbeats would be stale"
        return longest

    assert max(asyncio.run(longest_silences()).values()) < 0.7


def test_an_instrument_that_is_defined_while_the_simulation_runs_walks_from_its_own_price() -> None:
    clock, ledger = FakeClock(), ledger_of(BTC)
    asked: list[str] = []

    def first_price(of: Instrument) -> int:
        asked.append(of.symbol)
        return {BTC: 600_000, DOGE: 1_234}[of.symbol]

    async def play() -> list[FeedItem]:
        items = SimulatedFeed("run", 1, ledger, first_price, clock).items()
        await next_items(items, 100)
        ledger.define(0, [instrument(DOGE)])
        return await next_items(items, 100)

    doge = [item for item in asyncio.run(play()) if isinstance(item, FeedQuote) and item.symbol == DOGE]
    assert asked == [BTC, DOGE]
    first, *_, last = doge
    assert to_ticks(first, instrument(DOGE)).bid <= 1_234 <= to_ticks(first, instrument(DOGE)).ask
    assert first.source_time >= START_US + 5 * SECOND
    # It begins now, without a burst of what it would have done before.
    assert all(50_000 <= after.source_time - before.source_time <= 200_000 for before, after in pairwise(doge[:20]))
    assert last.source_time > first.source_time + 2 * SECOND


def test_a_stopped_process_continues_without_a_burst_of_quotes() -> None:
    clock = FakeClock()

    async def test() -> list[FeedItem]:
        items = feed_of(clock, ledger_of(BTC)).items()
        await next_items(items, 10)
        clock.seconds += 3_600
        return await next_items(items, 100)

    quotes = [item for item in asyncio.run(test()) if isinstance(item, FeedQuote)]
    assert quotes[-1].source_time - quotes[0].source_time > 5 * SECOND
