"""The simulation is the same for a seed, lively at its start, and moves like a market afterwards."""

import asyncio
import random
from itertools import islice, pairwise, takewhile

from market_data.conversion import TickPrice, price_defect, to_ticks
from market_data.feed import FeedQuote, Heartbeat
from market_data.simulated_feed import SimulatedFeed, _change, random_walk
from schemas.instruments import BY_SYMBOL, START_PRICES
from tests.market_data.fake_clock import START_US, FakeClock, next_items

SECOND = 1_000_000


def test_a_seed_always_gives_its_own_walk_and_another_seed_another_walk() -> None:
    first, again, other = (list(islice(random_walk(seed, START_PRICES), 5_000)) for seed in (1, 1, 2))
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
            moves = [
                m
                for m in takewhile(lambda m: m.at <= 4 * SECOND, random_walk(seed, START_PRICES))
                if m.symbol == symbol
            ]
            start = [move for move in moves if move.at <= 3 * SECOND + 200_000]
            assert start[-1].at >= 3 * SECOND
            assert all(after.at - before.at <= 200_000 for before, after in pairwise(start))
            assert all(abs(move.bid - start[0].bid) * 100 <= start[0].bid for move in start)


def test_every_move_is_well_formed_on_the_grid_and_in_order_of_time() -> None:
    moves = list(islice(random_walk(3, START_PRICES), 50_000))
    assert all(price_defect(TickPrice(move.bid, move.ask), BY_SYMBOL[move.symbol]) is None for move in moves)
    assert all(before.at <= after.at for before, after in pairwise(moves))


def test_the_walk_has_quiet_spells_and_jumps_mostly_within_the_price_rule() -> None:
    moves = list(islice(random_walk(5, {"BTC_USDC": 600_000}), 60_000))
    gaps = [after.at - before.at for before, after in pairwise(moves)]
    jumps = [after for before, after in pairwise(moves) if abs(after.bid - before.bid) * 1_000 > 2 * before.bid]
    assert max(gaps) > 5 * SECOND
    assert 10 < len(jumps) < 40
    dice = random.Random(1)
    changes = [abs(_change(dice, steady=False)) for _ in range(2_000_000)]
    assert 1_000 > sum(change > 2_000 for change in changes) > 400
    assert 10 > sum(change > 100_000 for change in changes) > 0


def test_the_walk_starts_at_the_given_price() -> None:
    first = next(random_walk(1, {"SOL_USDC": 12_345}))
    assert first.bid <= 12_345 < first.ask


def test_the_feed_plays_the_walk_by_the_clock_and_is_heard_in_quiet_spells() -> None:
    clock = FakeClock()
    feed = SimulatedFeed("run", 1, {"BTC_USDC": 600_000}, clock)

    items = asyncio.run(_first(feed, 3_000))
    quotes = [item for item in items if isinstance(item, FeedQuote)]
    moves = list(islice(random_walk(1, {"BTC_USDC": 600_000}), len(quotes)))
    assert [to_ticks(quote, BY_SYMBOL["BTC_USDC"]) for quote in quotes] == [(move.bid, move.ask) for move in moves]
    assert all(abs(q.source_time - START_US - m.at) <= 2 for q, m in zip(quotes, moves, strict=True))
    assert any(isinstance(item, Heartbeat) for item in items)
    assert all(a.source_time < b.source_time and a.update_id < b.update_id for a, b in pairwise(quotes))
    assert max(clock.slept) <= 0.5


def test_a_stopped_process_continues_without_a_burst_of_quotes() -> None:
    clock = FakeClock()
    feed = SimulatedFeed("run", 1, {"BTC_USDC": 600_000}, clock)

    async def test() -> list[object]:
        items = feed.items()
        await next_items(items, 10)
        clock.seconds += 3_600
        return list(await next_items(items, 100))

    quotes = [item for item in asyncio.run(test()) if isinstance(item, FeedQuote)]
    assert quotes[-1].source_time - quotes[0].source_time > 5 * SECOND


async def _first(feed: SimulatedFeed, count: int) -> list[object]:
    return list(await next_items(feed.items(), count))
