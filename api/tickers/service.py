"""How tickers are written from the prices that were folded."""

from api.app_state import Parts
from api.http.amounts import mid, price
from api.http.times import now, text_of
from api.tickers.schemas import Ticker, Tickers
from projector.queries import DayStats
from schemas.messages import Instrument
from schemas.units import render


async def all_of(parts: Parts) -> Tickers:
    """List the last prices."""
    days = await parts.days.days()
    instruments = parts.prices.instruments.values()
    return Tickers(items=[ticker_of(parts, instrument, days.get(instrument.symbol)) for instrument in instruments])


def ticker_of(parts: Parts, instrument: Instrument, day: DayStats | None) -> Ticker:
    """Write the last price of a symbol."""
    moment = now()
    quote = parts.prices.quote(instrument.symbol)
    doubled = None if quote is None else quote.bid + quote.ask
    return Ticker.model_validate(
        {
            "symbol": instrument.symbol,
            "bid": None if quote is None else price(instrument, quote.bid),
            "ask": None if quote is None else price(instrument, quote.ask),
            "mid": None if doubled is None else mid(instrument, doubled),
            "time": None if quote is None else text_of(quote.heard_at),
            # The broker's clock may be a little ahead of this one.
            "age_ms": None if quote is None else max(0, moment - quote.heard_at) // 1_000,
            "feed": parts.prices.feed if quote is None else quote.feed,
            "state": parts.prices.state(instrument.symbol, moment),
            "change_24h": None if day is None or doubled is None else _percent(doubled - day.open, day.open),
            "high_24h": None if day is None else mid(instrument, max(day.high, doubled or 0)),
            "low_24h": None if day is None else mid(instrument, min(day.low, doubled or day.low)),
        }
    )


def _percent(change: int, before: int) -> str:
    return render(change * 10_000 // before, 2)
