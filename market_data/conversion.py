"""How the decimals of a source become ticks of the instrument: bid down, ask up, exactly."""

import re
from typing import Final, NamedTuple

from market_data.feed import FeedQuote
from schemas.messages import Instrument
from schemas.units import INT64_MAX, NotRepresentable

DIGITS_MAX: Final = 40
DECIMAL: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?(?:[eE](?P<power>[+-]?[0-9]+))?"
)
SPREAD_TOO_WIDE: Final = "spread_too_wide"  # a quote of the market all the same
SPREAD_SCALE: Final = 2_000_000


class TickPrice(NamedTuple):
    """A quote on the instrument's grid."""

    bid: int
    ask: int


def to_ticks(quote: FeedQuote, instrument: Instrument) -> TickPrice:
    """Round away from the middle, so that nobody trades better than the source; NotRepresentable where no tick fits."""
    for name, number in (("source time", quote.source_time), ("update id", quote.update_id)):
        if not -INT64_MAX <= number <= INT64_MAX:
            raise NotRepresentable(f"the {name} {str(number)[:DIGITS_MAX]} exceeds 64 bits")
    bid_units, bid_divisor = scaled(quote.bid, instrument.tick_exponent)
    ask_units, ask_divisor = scaled(quote.ask, instrument.tick_exponent)
    bid, ask = bid_units // bid_divisor, -(-ask_units // ask_divisor)
    # low and high of a tick are of bid + ask, which has to fit too.
    if max(abs(bid), abs(ask)) > INT64_MAX // 2:
        raise NotRepresentable(f"{quote.bid[:DIGITS_MAX]} / {quote.ask[:DIGITS_MAX]} exceed 64 bits")
    return TickPrice(bid, ask)


def price_defect(price: TickPrice, instrument: Instrument) -> str | None:
    """Say which trading rule a price by itself breaks; None when none."""
    bid, ask = price
    if bid <= 0:
        return "not_positive"
    if ask < bid:
        return "crossed"
    if (ask - bid) * SPREAD_SCALE > instrument.spread_max * (bid + ask):
        return SPREAD_TOO_WIDE
    return None


def is_outside(last_price: str, price: TickPrice, instrument: Instrument) -> bool:
    """Say whether a last price is further outside bid and ask than the spread may be wide; NotRepresentable for none.

    Exactly: by more than spread_max of the middle.
    """
    units, divisor = scaled(last_price, instrument.tick_exponent)
    below = price.bid * divisor - units
    above = units - price.ask * divisor
    return max(below, above) * SPREAD_SCALE > instrument.spread_max * (price.bid + price.ask) * divisor


def scaled(digits: str, exponent: int) -> tuple[int, int]:
    """Give the digits in units of 10^-exponent as a fraction of integers, so that nothing is lost."""
    found = DECIMAL.fullmatch(digits) if len(digits) <= DIGITS_MAX else None
    if found is None:
        raise NotRepresentable(f"{digits[:DIGITS_MAX]!r} is not a decimal number of at most {DIGITS_MAX} characters")
    sign, whole, fraction, power = found["sign"], found["whole"], found["fraction"] or "", int(found["power"] or 0)
    if abs(power) > DIGITS_MAX:
        raise NotRepresentable(f"{digits!r} is beyond what the ledger can hold")
    shift = power - len(fraction) + exponent
    number = int(f"{sign}{whole}{fraction}")
    return (number * 10**shift, 1) if shift >= 0 else (number, 10**-shift)
