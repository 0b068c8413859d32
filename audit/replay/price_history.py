"""What a symbol's price did in a time, for a chart: as candles of its mid, made of the ticks in the log."""

from typing import Final

import msgspec

from audit.digits import iso
from audit.log.log_reader import LogReader
from audit.replay.account_fold import decoded, price_prefixes
from audit.replay.timeline import Deadline
from audit.replay.walk import Place
from schemas.codec import PREFIX_SIZE
from schemas.events import PricesUpdated
from schemas.messages import Instrument, Tick
from schemas.units import SECOND, render

CANDLES_MAX: Final = 400


class CandleView(msgspec.Struct, frozen=True):
    """The mid of a symbol's bid and ask from a time on, in exact digits."""

    start: str
    open: str
    high: str
    low: str
    close: str


class _Candle:
    """One that is being made; sums of bid and ask, in ticks."""

    def __init__(self, start: int, tick: Tick) -> None:
        self.start = start
        self.open = self.close = self.high = self.low = tick.bid + tick.ask

    def take(self, tick: Tick) -> None:
        self.close = tick.bid + tick.ask
        self.high, self.low = max(self.high, self.close), min(self.low, self.close)

    def view(self, instrument: Instrument) -> CandleView:
        # Half of a sum of ticks has one place more.
        values = (
            render(each * 5, instrument.tick_exponent + 1) for each in (self.open, self.high, self.low, self.close)
        )
        return CandleView(iso(self.start), *values)


class PriceHistory(msgspec.Struct, frozen=True):
    """Candles of so many seconds, oldest first. left_off: up to when there was time to look; null: to the end."""

    symbol: str
    seconds: int
    candles: list[CandleView]
    left_off: str | None


def price_history(
    log: LogReader, start: Place, instrument: Instrument, first: int, last: int, deadline: Deadline
) -> PriceHistory:
    """Make the candles from a time to another (µs), of as many seconds as give at most CANDLES_MAX."""
    period = SECOND * max(1, -(-(last - first) // (CANDLES_MAX * SECOND)))
    shard, symbol = start.fold.state.shard, instrument.symbol
    candles: list[_Candle] = []
    prefixes = price_prefixes()
    left_off: int | None = None
    now = first
    for batch in log.events(shard, start.record):
        for record in batch:
            if record.value[:PREFIX_SIZE] not in prefixes:
                continue
            event = decoded(shard, record)
            now = event.time
            if now > last:
                break
            tick = _tick_of(event, symbol) if isinstance(event, PricesUpdated) and now >= first else None
            if tick is None:
                continue
            begins = now - now % period
            if candles and candles[-1].start == begins:
                candles[-1].take(tick)
            else:
                candles.append(_Candle(begins, tick))
        if now > last:
            break
        if deadline.is_over:
            left_off = now
            break
    return PriceHistory(
        symbol=symbol,
        seconds=period // SECOND,
        candles=[candle.view(instrument) for candle in candles],
        left_off=None if left_off is None else iso(left_off),
    )


def _tick_of(event: PricesUpdated, symbol: str) -> Tick | None:
    return next((tick for tick in event.accepted if tick.symbol == symbol), None)
