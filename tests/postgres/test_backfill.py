"""The back-fill writes the minutes before each first tick once, from the right source, or names the reason."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import Engine, text

from cli.backfill import backfill
from market_data.klines import KlinesUnavailable, RequestPacing
from market_data.simulated_history import HISTORY_MINUTES, simulated_history
from projector import queries
from projector.rebuild import rebuild
from runtime.settings import Settings
from schemas.instruments import BY_SYMBOL, INSTRUMENTS
from schemas.record import replace
from schemas.units import DAY, MINUTE, SECOND
from tests.market_data.klines_server import KlinesServer, klines_server
from tests.postgres.test_queries import project
from tests.processes import ServiceProcess, eventually, gone_at_the_end
from tests.projector.streams import NOON, START_PRICES, Exchange

AT_ONCE = RequestPacing(between_s=0, backoff_max_s=0.01, give_up_s=0.3)
# The program itself, but for how long it bears with a server.
IMPATIENT = """
import sys
from cli import backfill
from cli.main import call
from market_data.klines import RequestPacing

backfill.RequestPacing = lambda: RequestPacing(between_s=0, backoff_max_s=0.01, give_up_s=0.3)
sys.exit(call(["run", "backfill"]))
"""
ALL = dict.fromkeys(START_PRICES, HISTORY_MINUTES)


@pytest.fixture
def server() -> Iterator[KlinesServer]:
    with klines_server() as served:
        yield served


def settings_of(database_url: str, **overrides: object) -> Settings:
    return Settings.model_validate({"database_url": database_url, "simulation_seed": 7} | overrides)


def exchange_of(feed: str) -> Exchange:
    exchange = Exchange(shards=1)
    exchange.feed = (feed, "run-1")
    exchange.open_markets()
    return exchange


def without_prices() -> Exchange:
    """An exchange that has its instruments, and no price yet."""
    exchange = Exchange(shards=1)
    exchange.define(INSTRUMENTS)
    return exchange


def stored(engine: Engine) -> dict[str, int]:
    with engine.connect() as db:
        found = db.execute(text("SELECT symbol, count(*) FROM ledger.candle_history GROUP BY symbol"))
        return {symbol: count for symbol, count in found}  # noqa: C416  # Rows are no pairs to mypy.


def test_a_simulated_market_gets_thirty_days_of_history_that_lead_to_each_first_price(
    engine: Engine, database_url: str
) -> None:
    project(engine, exchange_of("simulated"))
    assert backfill(settings_of(database_url), engine, 0, AT_ONCE) == []
    assert stored(engine) == ALL
    with engine.connect() as db:
        for symbol, price in START_PRICES.items():
            first = 2 * price + 2
            expected = simulated_history(7, symbol, NOON, first)
            found = queries.candles(db, symbol, "1m", NOON - DAY, NOON, now=NOON, limit=2_000)
            assert [(c.start, c.open, c.high, c.low, c.close) for c in found[::-1]] == expected[-1_440:]
            assert {candle.source for candle in found} == {"simulated"}
            assert found[0].close == first
    # With another seed, what is there stays.
    assert backfill(settings_of(database_url, simulation_seed=8), engine, 0, AT_ONCE) == []
    assert stored(engine) == ALL


def test_a_backpack_market_gets_klines_as_history(engine: Engine, database_url: str, server: KlinesServer) -> None:
    project(engine, exchange_of("backpack"))
    noon = NOON // SECOND
    for symbol in START_PRICES:
        for second in range(noon - 2 * 86_400, noon + 600, 60):
            server.trade(symbol, second, "100.5")
    server.failures = [(429, "Too many requests"), (500, "")]
    settings = settings_of(database_url, backpack_api_url=server.url)
    assert backfill(settings, engine, 0, AT_ONCE) == []
    assert stored(engine) == dict.fromkeys(START_PRICES, 2 * 1_440)
    with engine.connect() as db:
        (hour,) = queries.candles(db, "BTC_USDC", "1h", NOON - DAY, NOON - DAY + 1, now=NOON)
    assert (hour.open, hour.source, hour.ticks) == (2_010, "backpack", 0)
    asked = len(server.asked)
    assert {start for _, start, _ in server.asked} >= {noon - 30 * 86_400}
    assert backfill(settings, engine, 0, AT_ONCE) == []
    assert len(server.asked) == asked


def test_history_that_backpack_refuses_is_not_invented(engine: Engine, database_url: str, server: KlinesServer) -> None:
    project(engine, exchange_of("backpack"))
    server.trade("BTC_USDC", NOON // SECOND - 60, "100")
    settings = settings_of(database_url, backpack_api_url=server.url)
    answer = server.answer
    server.answer = lambda path: (503, "closed") if "ETH" in path else answer(path)  # type: ignore[method-assign]
    with pytest.raises(KlinesUnavailable, match="503: closed"):
        backfill(settings, engine, 0, AT_ONCE)
    # The symbol that was answered for is done; the others are the next run's.
    assert stored(engine) == {"BTC_USDC": 1}


def test_the_back_fill_waits_for_candles_emptied_by_a_rebuild(
    engine: Engine, database_url: str, server: KlinesServer
) -> None:
    exchange = exchange_of("backpack")
    project(engine, exchange)
    for symbol in START_PRICES:
        server.trade(symbol, NOON // SECOND - 60, "100")
    answer = server.answer

    def rebuild_first(path: str) -> tuple[int, str]:
        server.answer = answer  # type: ignore[method-assign]
        rebuild(settings)
        return answer(path)

    server.answer = rebuild_first  # type: ignore[method-assign]
    settings = settings_of(database_url, backpack_api_url=server.url)
    assert backfill(settings, engine, 0, AT_ONCE) == list(START_PRICES)
    assert stored(engine) == {}
    project(engine, exchange)
    assert backfill(settings, engine, 0, AT_ONCE) == []
    assert stored(engine) == dict.fromkeys(START_PRICES, 1)


@pytest.mark.timeout(400)
def test_the_back_fill_ends_with_a_failure_and_one_line_when_backpack_does_not_answer(
    engine: Engine, database_url: str, server: KlinesServer, tmp_path: Path
) -> None:
    project(engine, exchange_of("backpack"))
    server.failures = [(451, "not here")] * 1_000
    settings = settings_of(database_url, backpack_api_url=server.url)
    with gone_at_the_end(ServiceProcess("backfill", settings, tmp_path / "output", IMPATIENT)) as program:
        assert program.process.wait(60) == 1
        last = program.log.splitlines()[-1]
    assert last == f"reprise: Backpack's klines could not be had from {server.url}: 451: not here"
    assert stored(engine) == {}


def test_a_recorded_market_gets_no_history_without_a_failure(engine: Engine, database_url: str) -> None:
    project(engine, exchange_of("recorded"))
    assert backfill(settings_of(database_url), engine, 0, AT_ONCE) == []
    assert stored(engine) == {}


@pytest.mark.slow
def test_a_symbol_whose_first_tick_comes_later_gets_its_history_after_that_tick(
    engine: Engine, database_url: str
) -> None:
    project(engine, without_prices())
    with engine.begin() as db:
        insert = "INSERT INTO ledger.candles VALUES ('SOL_USDC', :start, 30000, 30000, 30000, 30000, 1, 'simulated')"
        db.execute(text(insert), {"start": NOON})

    def begin() -> None:
        with engine.begin() as db:
            db.execute(text(insert.replace("SOL", "BTC")), {"start": NOON + MINUTE})

    timer = Timer(0.5, begin)
    timer.start()
    assert backfill(settings_of(database_url), engine, 15, AT_ONCE) == ["ETH_USDC"]
    timer.join()
    assert stored(engine) == {"BTC_USDC": HISTORY_MINUTES, "SOL_USDC": HISTORY_MINUTES}


def test_an_instrument_that_is_defined_while_the_back_fill_waits_gets_its_history_too(
    engine: Engine, database_url: str
) -> None:
    exchange = without_prices()
    project(engine, exchange)
    settings = settings_of(database_url, symbols=("DOGE_USDC",))

    def define_later() -> None:
        exchange.define([replace(BY_SYMBOL["SOL_USDC"], symbol="DOGE_USDC")], broadcast="doge")
        project(engine, exchange)
        with engine.begin() as db:
            insert = "INSERT INTO ledger.candles VALUES ('DOGE_USDC', :start, 300, 300, 300, 300, 1, 'simulated')"
            db.execute(text(insert), {"start": NOON})

    timer = Timer(0.5, define_later)
    timer.start()
    assert backfill(settings, engine, 30, AT_ONCE) == []
    timer.join()
    assert stored(engine) == {"DOGE_USDC": HISTORY_MINUTES}


@pytest.mark.timeout(400)
def test_the_back_fill_ends_with_0_when_all_history_is_written_or_was_written_before(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    project(engine, exchange_of("simulated"))
    with gone_at_the_end(ServiceProcess("backfill", settings_of(database_url), tmp_path / "output")) as program:
        assert program.process.wait(60) == 0
        assert stored(engine) == ALL
        program.restart()
        assert program.process.wait(60) == 0
        assert program.log.count("history is there already") == len(ALL)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_the_back_fill_stopped_in_a_transaction_leaves_no_partial_history(
    engine: Engine, database_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    project(engine, exchange_of("simulated"))
    with gone_at_the_end(ServiceProcess("backfill", settings_of(database_url), tmp_path / "output")) as program:
        with engine.connect() as db:
            # While this lock is held it waits in the middle of its transaction.
            db.execute(text("LOCK TABLE ledger.candle_history IN SHARE MODE"))
            waiting = text(
                "SELECT count(*) FROM pg_locks WHERE relation = 'ledger.candle_history'::regclass AND NOT granted"
            )
            eventually(lambda: db.execute(waiting).scalar_one(), bool, 120)
            program.send(number)
            began = time.monotonic()
            program.process.wait(20)
            assert time.monotonic() - began < 5
        assert program.process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
        eventually(lambda: stored(engine), lambda found: found == {})
        program.restart()
        assert program.process.wait(60) == 0
    assert stored(engine) == ALL


@pytest.mark.timeout(400)
def test_the_back_fill_waits_for_the_first_tick_and_ends_at_once_on_a_signal(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    del engine
    with gone_at_the_end(ServiceProcess("backfill", settings_of(database_url), tmp_path / "output")) as program:
        eventually(lambda: program.log, lambda log: "waiting for first ticks" in log, 30)
        time.sleep(1)
        assert program.process.poll() is None
        assert program.stop() == 130
