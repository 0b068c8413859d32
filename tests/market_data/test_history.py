"""Simulated history: the same for a seed, plausible, lively, and ending at the first price."""

from itertools import pairwise

import pytest

from market_data.simulated_history import HISTORY_MINUTES, MinuteCandle, simulated_history
from schemas.units import DAY, MINUTE

END = 1_767_960_000_000_000
FIRST = {"BTC_USDC": 1_200_001, "ETH_USDC": 600_000, "SOL_USDC": 30_000}  # of bid + ask


@pytest.fixture(scope="module", params=sorted(FIRST))
def symbol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def minutes(symbol: str) -> list[MinuteCandle]:
    return simulated_history(1, symbol, END, FIRST[symbol])


def test_simulated_history_depends_on_seed_symbol_and_first_price(symbol: str, minutes: list[MinuteCandle]) -> None:
    assert simulated_history(1, symbol, END, FIRST[symbol]) == minutes
    assert simulated_history(2, symbol, END, FIRST[symbol]) != minutes
    other = "ETH_USDC" if symbol != "ETH_USDC" else "BTC_USDC"
    assert simulated_history(1, other, END, FIRST[symbol]) != minutes


def test_the_simulated_history_of_a_seed_is_identical_on_every_machine() -> None:
    assert simulated_history(1, "BTC_USDC", END, 1_200_001)[-2:] == [
        (END - 2 * MINUTE, 1_203_146, 1_204_413, 1_201_766, 1_201_766),
        (END - MINUTE, 1_201_766, 1_201_766, 1_200_001, 1_200_001),
    ]


def test_simulated_history_is_thirty_days_of_minutes_without_a_gap(minutes: list[MinuteCandle]) -> None:
    assert len(minutes) == HISTORY_MINUTES == 43_200
    assert [minute.start for minute in minutes] == list(range(END - 30 * DAY, END, MINUTE))


def test_simulated_history_ends_at_the_first_price_and_each_minute_opens_at_the_previous_close(
    symbol: str, minutes: list[MinuteCandle]
) -> None:
    assert minutes[-1].close == FIRST[symbol]
    assert all(before.close == after.open for before, after in pairwise(minutes))


def test_every_simulated_minute_has_whole_numbers_and_extremes_around_open_and_close(
    minutes: list[MinuteCandle],
) -> None:
    assert {type(value) for minute in minutes for value in minute} == {int}
    assert all(0 < m.low <= min(m.open, m.close) and max(m.open, m.close) <= m.high for m in minutes)


def test_simulated_history_has_small_and_large_jumps_and_quiet_spells(minutes: list[MinuteCandle]) -> None:
    moved = [(minute.high - minute.low) * 10_000 // minute.low for minute in minutes]  # basis points
    assert sum(move > 50 for move in moved) > 1_000
    assert 3 <= sum(move > 1_000 for move in moved) <= 60
    assert 500 < sum(move <= 3 for move in moved) < 5_000
    spells = [length for length in spell_lengths([move <= 3 for move in moved]) if length >= 3]
    assert len(spells) > 100


def test_simulated_history_stays_near_the_first_price(symbol: str, minutes: list[MinuteCandle]) -> None:
    assert all(FIRST[symbol] < 2 * minute.low and minute.high < 2 * FIRST[symbol] for minute in minutes)


def test_simulated_history_exists_for_the_lowest_possible_price() -> None:
    minutes = simulated_history(1, "SOL_USDC", END, 2)
    assert minutes[-1].close == 2
    assert min(minute.low for minute in minutes) >= 2


def spell_lengths(quiet: list[bool]) -> list[int]:
    lengths = [0]
    for each in quiet:
        if each:
            lengths[-1] += 1
        else:
            lengths.append(0)
    return lengths
