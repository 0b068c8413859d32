"""Which prices and sizes a recording may hold: decimals above zero that stay exact all the way to the ledger."""

from fractions import Fraction
from typing import Final

from market_data.conversion import scaled
from market_data.feed import FeedQuote
from schemas.bounds import is_id
from schemas.units import INT64_MAX, NotRepresentable

PRICE_MAX: Final = 10**12
PLACES_MAX: Final = 18


class PriceUnsound(ValueError):
    """A price, size or quote that no market has; the text says why."""


def price_of(text: str, name: str) -> Fraction:
    """Read a price exactly; PriceUnsound where it is no number, not above zero, or beyond all markets."""
    try:
        units, divisor = scaled(text, 0)
    except NotRepresentable:
        raise PriceUnsound(f"its {name} {text[:40]!r} is not a decimal number") from None
    if units <= 0:
        raise PriceUnsound(f"its {name} {text} is not above 0")
    if units > PRICE_MAX * divisor or divisor > 10**PLACES_MAX:
        raise PriceUnsound(f"its {name} {text} is above {PRICE_MAX} or has more than {PLACES_MAX} decimal places")
    return Fraction(units, divisor)


def refuse_unsound(quote: FeedQuote) -> None:
    """Refuse what is no quote of a market: no symbol, a price that is none, a bid above its ask; PriceUnsound."""
    if not is_id(quote.symbol):
        raise PriceUnsound(f"its symbol {quote.symbol[:40]!r} is none")
    if price_of(quote.bid, "bid") > price_of(quote.ask, "ask"):
        raise PriceUnsound(f"its bid {quote.bid} is above its ask {quote.ask}")
    if abs(quote.update_id) > INT64_MAX:
        raise PriceUnsound(f"its update id {str(quote.update_id)[:40]} exceeds 64 bits")
    for name, size in (("bid", quote.bid_size), ("ask", quote.ask_size)):
        try:
            if size is not None and scaled(size, 0)[0] < 0:
                raise PriceUnsound(f"the size of its {name}, {size}, is negative")
        except NotRepresentable:
            raise PriceUnsound(f"the size of its {name}, {str(size)[:40]!r}, is not a decimal number") from None
