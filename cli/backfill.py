"""How the candles before each symbol's first tick come to be: written once, then the program ends."""

import signal
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from market_data.klines import KlinesUnavailable, RequestPacing, backpack_history
from market_data.simulated_history import HISTORY_MINUTES, MinuteCandle, simulated_history
from projector import queries
from projector.database import RETRY_S, TRANSIENT_ERRORS, connect, retried
from projector.migrate import migrate
from projector.write.candle_history import FirstCandle, NotBefore, first_candle, has_history, write_history
from runtime.errors import FixableError
from runtime.logging import configure
from runtime.settings import Settings
from schemas.messages import Instrument
from schemas.units import MINUTE

WAIT_S: Final = 600.0  # for first ticks
PAUSE_MAX_S: Final = 5.0

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


def main(settings: Settings) -> None:
    """Write the history of each symbol once it has a first candle; end when all have, or after ten minutes."""
    configure("backfill", settings.log_level)
    signal.signal(signal.SIGTERM, _interrupt)
    engine = connect(settings.database_url)
    try:
        retried(lambda: migrate(settings.database_url), TRANSIENT_ERRORS, Event())
        backfill(settings, engine, WAIT_S, RequestPacing())
    except KlinesUnavailable as error:
        raise FixableError(f"Backpack's klines could not be had from {settings.backpack_api_url}: {error}") from error
    except TRANSIENT_ERRORS as error:
        raise FixableError(f"PostgreSQL did not answer for {RETRY_S:.0f} s; is DATABASE_URL right? {error}") from error
    finally:
        engine.dispose()


def backfill(settings: Settings, engine: Engine, wait_s: float, pace: RequestPacing) -> list[str]:
    """Write what is missing as first candles appear, for so long; give the symbols that had none.

    Which symbols there are, the ledger's instruments say, also those that are defined meanwhile. What an earlier run
    wrote is left as it is. KlinesUnavailable when Backpack does not answer.
    """
    missing: dict[str, Instrument] = {}
    done: set[str] = set()
    log.info("waiting for first ticks", symbols=settings.symbols or "all", at_most_s=wait_s)

    def fill_what_began() -> bool:
        """Whether something is left to wait for."""
        for row in _query(engine, queries.instruments):
            symbol = row.instrument.symbol
            if symbol not in done and (settings.symbols is None or symbol in settings.symbols):
                missing[symbol] = row.instrument
        for symbol, instrument in list(missing.items()):
            if _fill(settings, engine, instrument, pace):
                done.add(symbol)
                del missing[symbol]
        return bool(missing) or not done.issuperset(settings.symbols or ()) or not done

    waiting = Retrying(
        retry=retry_if_result(bool),
        wait=wait_exponential(multiplier=0.25, max=PAUSE_MAX_S),
        stop=stop_after_delay(wait_s),
        retry_error_callback=lambda _: True,
    )
    if waiting(fill_what_began):
        log.warning("no first tick was seen; the next run looks again", symbols=list(missing), waited_s=wait_s)
    return list(missing)


def _fill(settings: Settings, engine: Engine, instrument: Instrument, pace: RequestPacing) -> bool:
    """Write one symbol's history; whether there is nothing left to do for it."""
    symbol = instrument.symbol
    if _query(engine, lambda db: has_history(db, symbol)):
        log.info("history is there already", symbol=symbol)
        return True
    first = _query(engine, lambda db: first_candle(db, symbol))
    if first is None:
        return False
    if first.source == "recorded":
        log.info("a recording has no candles before its first tick", symbol=symbol)
        return True
    minutes = _minutes_before(first, instrument, settings, pace)
    try:
        count = retried(lambda: write_history(engine, symbol, first.source, minutes), TRANSIENT_ERRORS, Event())
    except NotBefore as error:
        log.warning("the ledger's candles were emptied meanwhile; this waits for them", why=str(error))
        return False
    log.info("history written", symbol=symbol, source=first.source, minutes=count, until=first.start)
    return True


def _query(engine: Engine, question: Callable[[Connection], Result]) -> Result:
    def query() -> Result:
        with engine.connect() as db:
            return question(db)

    return retried(query, TRANSIENT_ERRORS, Event())


def _minutes_before(
    first: FirstCandle, instrument: Instrument, settings: Settings, pace: RequestPacing
) -> list[MinuteCandle]:
    if first.source == "simulated":
        return simulated_history(settings.simulation_seed, first.symbol, first.start, first.open)
    start = first.start - HISTORY_MINUTES * MINUTE
    log.info("asking Backpack for its klines", symbol=first.symbol, url=settings.backpack_api_url)
    return list(backpack_history(settings.backpack_api_url, instrument, start, first.start, pace))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A polite kill ends it as Ctrl-C does, in a container too; a transaction that is open writes nothing."""
    raise KeyboardInterrupt
