"""How a bar becomes quotes: the walk through its four prices, and the spread assumed around them."""

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Final, NamedTuple

from market_data.feed import FeedQuote
from schemas.units import MINUTE

CORNERS_AT: Final = (0, 20, 40, 59)  # the sixtieth of its time at which a bar is at each of its four prices
SIXTIETHS: Final = 60
BPS_OF_BOTH_SIDES: Final = 20_000
EXACT: Final = Context(prec=80)  # twice the digits a price may have


class Bar(NamedTuple):
    """The prices of a stretch of time as written. time: when it began, µs UTC."""

    time: int
    open: str
    high: str
    low: str
    close: str

    def corners(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Its prices in the order walked: a bar that rises goes up first, any other down."""
        opened, high, low, closed = map(Decimal, self[1:])
        return (opened, high, low, closed) if closed > opened else (opened, low, high, closed)


class Walk(NamedTuple):
    """How bars are walked. spread_bps: of bid and ask; step_us: between two quotes, null for the four prices alone."""

    spread_bps: int
    step_us: int | None


def quotes_of(bar: Bar, symbol: str, walk: Walk, first_update_id: int, length: int = MINUTE) -> Iterator[FeedQuote]:
    """Give a bar's quotes: its four prices, and points on the straight lines between them. length: its time, µs.

    The prices are taken as the middle; bid and ask stand half the spread to either side. Points between are rounded to
    the decimal places of the bar.
    """
    corners = bar.corners()
    places = min(0, *(int(corner.as_tuple().exponent) for corner in corners))
    turns = tuple(length * sixtieth // SIXTIETHS for sixtieth in CORNERS_AT)
    steps = () if walk.step_us is None else range(0, length, walk.step_us)
    for update_id, after in enumerate(sorted({*turns, *steps}), first_update_id):
        with localcontext(EXACT):
            mid = _price_at(after, turns, corners).quantize(Decimal((0, (1,), places)))
            half = mid * walk.spread_bps / BPS_OF_BOTH_SIDES
            bid, ask = mid - half, mid + half
        yield FeedQuote(
            symbol=symbol, bid=f"{bid:f}", ask=f"{ask:f}", source_time=bar.time + after, update_id=update_id
        )


def _price_at(after: int, turns: tuple[int, ...], corners: tuple[Decimal, ...]) -> Decimal:
    leg = max(index for index, at in enumerate(turns) if at <= after)
    since = after - turns[leg]
    if since == 0:
        return corners[leg]
    # After the last price the bar stays at it until the next one begins.
    if leg == len(turns) - 1:
        return corners[leg]
    return corners[leg] + (corners[leg + 1] - corners[leg]) * since / (turns[leg + 1] - turns[leg])
