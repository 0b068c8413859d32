"""How tickers are written from the prices that were folded."""

from fractions import Fraction

from api.http.amounts import mid, price
from api.http.times import now, text_of
from api.log.price_cache import CachedQuote, PriceCache
from api.store.day_stats import DayStatsCache
from api.tickers.schemas import TickerReply, Tickers
from projector.queries import DayStats
from schemas.messages import Instrument
from schemas.units import render


async def all_of(prices: PriceCache, day_stats: DayStatsCache) -> Tickers:
    """List the last prices."""
    days = await day_stats.days()
    instruments = prices.instruments.values()
    return Tickers(
        items=[
            ticker_of(prices, instrument, prices.quote(instrument.symbol), days.get(instrument.symbol))
            for instrument in instruments
        ]
    )


def ticker_of(
    prices: PriceCache, instrument: Instrument, quote: CachedQuote | None, day: DayStats | None
) -> TickerReply:
    """Write a price of a symbol, which a message takes once: the next moment may have another."""
    moment = now()
    doubled = None if quote is None else quote.bid + quote.ask
    return TickerReply.model_validate(
        {
            "symbol": instrument.symbol,
            "bid": None if quote is None else price(instrument, quote.bid),
            "ask": None if quote is None else price(instrument, quote.ask),
            "mid": None if doubled is None else mid(instrument, doubled),
            "time": None if quote is None else text_of(quote.heard_at),
            # The broker's clock may be a little ahead of this one.
            "age_ms": None if quote is None else max(0, moment - quote.heard_at) // 1_000,
            "feed": prices.feed if quote is None else quote.feed,
            "state": prices.state(instrument.symbol, moment),
            "change_24h": None if day is None or doubled is None else _percent(doubled - day.open, day.open),
            "high_24h": None if day is None else mid(instrument, max(day.high, doubled or 0)),
            "low_24h": None if day is None else mid(instrument, min(day.low, doubled or day.low)),
        }
    )


def _percent(change: int, before: int) -> str:
    """Give hundredths of a percent, to the nearest."""
    return render(round(Fraction(change * 10_000, before)), 2)
