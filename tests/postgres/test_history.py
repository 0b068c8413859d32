"""The minutes before a symbol's first candle are stored once and whole, and merged with the ledger's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, text

from market_data.simulated_history import HISTORY_MINUTES, MinuteCandle, simulated_history
from projector import queries
from projector.database import TRANSIENT_ERRORS
from projector.queries.market_queries import INTERVALS, MONDAY
from projector.rebuild import rebuild
from projector.write.candle_history import NotBefore, first_candle, has_history, write_history
from runtime.settings import Settings
from schemas.units import DAY, MINUTE
from tests.postgres.tables_content import content
from tests.postgres.test_queries import prices_over_minutes, project
from tests.projector.streams import NOON

BTC = "BTC_USDC"
HOUR = 60 * MINUTE
MOVES = [100, -50, 70, 200, -400, 10, 20, -30, 500, -100, 0]


@pytest.fixture(scope="module")
def minutes() -> list[MinuteCandle]:
    """Leads to the first candle of the exchange below."""
    return simulated_history(1, BTC, NOON, 1_000_002)


@pytest.fixture
def ledger(engine: Engine) -> Engine:
    project(engine, prices_over_minutes(MOVES))
    return engine


def stored(engine: Engine, symbol: str = BTC) -> int:
    with engine.connect() as db:
        found = db.execute(
            text("SELECT count(*) FROM ledger.candle_history WHERE symbol = :symbol"), {"symbol": symbol}
        )
        return int(found.scalar_one())


def test_the_first_candle_has_minute_price_and_feed_of_the_first_tick(
    engine: Engine, minutes: list[MinuteCandle]
) -> None:
    with engine.connect() as db:
        assert first_candle(db, BTC) is None
        assert not has_history(db, BTC)
    project(engine, prices_over_minutes(MOVES))
    with engine.connect() as db:
        assert first_candle(db, BTC) == (BTC, NOON, 1_000_002, "simulated")
        assert first_candle(db, "DOGE_USDC") is None
    assert (minutes[-1].start + MINUTE, minutes[-1].close) == (NOON, 1_000_002)


def test_candles_of_every_length_continue_from_the_history_into_the_ledger(
    ledger: Engine, minutes: list[MinuteCandle]
) -> None:
    with ledger.connect() as db:
        own = queries.candles(db, BTC, "1m", 0, NOON + DAY, now=NOON)
    assert write_history(ledger, BTC, "backpack", minutes) == HISTORY_MINUTES
    whole = [(*minute, 0, "backpack") for minute in minutes]
    whole += [(c.start, c.open, c.high, c.low, c.close, c.ticks, c.source) for c in own[::-1]]
    with ledger.connect() as db:
        for interval, length in INTERVALS.items():
            expected = folded(whole, interval)
            found = list(pages(db, interval))  # type: ignore[arg-type]
            assert found == expected, interval
            assert expected[-1][0] <= NOON - 30 * DAY < expected[-1][0] + length
            assert expected[0][-1] == "simulated"
            assert expected[-1][-1] == "backpack"


def test_a_candle_of_history_and_ledger_has_the_ledger_s_feed_and_tick_count(
    ledger: Engine, minutes: list[MinuteCandle]
) -> None:
    write_history(ledger, BTC, "backpack", minutes)
    with ledger.connect() as db:
        today, yesterday = queries.candles(db, BTC, "1d", NOON - DAY, NOON, now=NOON)
    assert (today.source, today.open) == ("simulated", minutes[-12 * 60].open)
    assert today.ticks == 1 + len(MOVES)
    assert (yesterday.source, yesterday.ticks, yesterday.closed) == ("backpack", 0, True)


def test_candles_before_the_first_tick_are_history_alone(ledger: Engine, minutes: list[MinuteCandle]) -> None:
    write_history(ledger, BTC, "simulated", minutes)
    with ledger.connect() as db:
        hours = queries.candles(db, BTC, "1h", NOON - 10 * DAY, NOON - 9 * DAY, now=NOON)
        assert queries.candles(db, BTC, "1h", NOON - 40 * DAY, NOON - 30 * DAY, now=NOON) == []
        assert queries.candles(db, "ETH_USDC", "1h", NOON - 10 * DAY, NOON - 9 * DAY, now=NOON) == []
    assert [hour.start for hour in hours] == [NOON - 9 * DAY - number * HOUR for number in range(1, 25)]
    assert {hour.source for hour in hours} == {"simulated"}
    assert all(hour.closed for hour in hours)


def test_the_change_of_a_day_reaches_into_the_history(ledger: Engine, minutes: list[MinuteCandle]) -> None:
    write_history(ledger, BTC, "simulated", minutes)
    now = NOON + 20 * MINUTE
    with ledger.connect() as db:
        stats = queries.day_stats(db, now)[BTC]
        own = queries.candles(db, BTC, "1m", NOON, now, now=now)
        assert "ETH_USDC" in queries.day_stats(db, now)
        # Two days later no tick is left in it, and the history is long ago.
        assert queries.day_stats(db, NOON + 2 * DAY) == {}
    of_the_day = [minute for minute in minutes if minute.start >= now - DAY]
    assert stats.open == minutes[-len(of_the_day) - 1].close
    assert stats.high == max(*(minute.high for minute in of_the_day), *(candle.high for candle in own))
    assert stats.low == min(*(minute.low for minute in of_the_day), *(candle.low for candle in own))
    assert stats.last == own[0].close


def test_history_inside_the_range_of_the_ledger_s_candles_is_not_shown(ledger: Engine) -> None:
    # As after a log was put back that begins earlier than the one before it.
    with ledger.begin() as db:
        for start in (NOON - MINUTE, NOON, NOON + 30 * MINUTE):
            db.execute(
                text("INSERT INTO ledger.candle_history VALUES ('BTC_USDC', :start, 1, 1, 1, 1, 'backpack')"),
                {"start": start},
            )
        found = queries.candles(db, BTC, "1m", NOON - DAY, NOON + DAY, now=NOON)
    assert [candle.start for candle in found if candle.source == "backpack"] == [NOON - MINUTE]


def test_a_rebuild_keeps_the_history_and_empties_the_rest(
    ledger: Engine, database_url: str, minutes: list[MinuteCandle]
) -> None:
    write_history(ledger, BTC, "simulated", minutes)
    before = content(ledger)
    rebuild(Settings.model_validate({"database_url": database_url}))
    after = content(ledger)
    assert after.pop("candle_history") == before.pop("candle_history")
    assert all(not rows for rows in after.values())
    with ledger.connect() as db:
        assert queries.candles(db, BTC, "1m", NOON - DAY, NOON + DAY, now=NOON)[0].start == NOON - MINUTE


def test_existing_history_is_not_written_again_by_concurrent_writers(
    ledger: Engine, minutes: list[MinuteCandle]
) -> None:
    engines = [create_engine(ledger.url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda engine: write_history(engine, BTC, "simulated", minutes), engines))
    for engine in engines:
        engine.dispose()
    assert sorted(counts) == [0, 0, 0, HISTORY_MINUTES]
    assert write_history(ledger, BTC, "backpack", minutes[:10]) == 0
    assert stored(ledger) == HISTORY_MINUTES


def test_a_crash_midway_leaves_no_history_and_the_next_run_writes_all_minutes(
    ledger: Engine, minutes: list[MinuteCandle]
) -> None:
    killer = create_engine(ledger.url, isolation_level="AUTOCOMMIT")

    def cut_off() -> Iterator[MinuteCandle]:
        yield from minutes[:20_000]
        with killer.connect() as db:
            db.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name = 'reprise-projector'"
                )
            )
        yield from minutes[20_000:]

    def defective() -> Iterator[MinuteCandle]:
        yield from minutes[:20_000]
        raise KeyboardInterrupt

    with pytest.raises(TRANSIENT_ERRORS):
        write_history(ledger, BTC, "simulated", cut_off())
    assert stored(ledger) == 0
    with pytest.raises(KeyboardInterrupt):
        write_history(ledger, BTC, "simulated", defective())
    assert stored(ledger) == 0
    killer.dispose()
    assert write_history(ledger, BTC, "simulated", minutes) == HISTORY_MINUTES


def test_a_history_that_includes_a_minute_of_the_ledger_is_refused_whole(
    ledger: Engine, minutes: list[MinuteCandle]
) -> None:
    with pytest.raises(NotBefore):
        write_history(ledger, BTC, "simulated", [*minutes, MinuteCandle(NOON, 1, 1, 1, 1)])
    with pytest.raises(NotBefore):
        write_history(ledger, "DOGE_USDC", "simulated", minutes)
    assert stored(ledger) == stored(ledger, "DOGE_USDC") == 0


Folded = tuple[int, int, int, int, int, int, str]


def pages(db: object, interval: queries.Interval) -> Iterator[Folded]:
    """All candles, newest first, as a client reads them: page after page."""
    end = NOON + DAY
    while True:
        page = queries.candles(db, BTC, interval, 0, end, now=NOON, limit=499)  # type: ignore[arg-type]
        yield from ((c.start, c.open, c.high, c.low, c.close, c.ticks, c.source) for c in page)
        if len(page) < 499:
            return
        end = page[-1].start


def folded(minutes: list[Folded], interval: str) -> list[Folded]:
    """What the candles must be, newest first; minutes are oldest first."""
    length, phase = INTERVALS[interval], MONDAY if interval == "1w" else 0
    groups: dict[int, list[Folded]] = {}
    for minute in minutes:
        groups.setdefault((minute[0] - phase) // length * length + phase, []).append(minute)
    return [
        (
            start,
            group[0][1],
            max(each[2] for each in group),
            min(each[3] for each in group),
            group[-1][4],
            sum(each[5] for each in group),
            group[-1][6],
        )
        for start, group in sorted(groups.items(), reverse=True)
    ]
