"""How a bar becomes quotes: the walk through its four prices, and the spread assumed around them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from market_data.feed import FeedQuote

BAR_S: Final = 60
CORNERS_AT_S: Final = (0, 20, 40, 59)  # the second of its minute at which a bar is at each of its four prices
CORNERS_ONLY_STEP_S: Final = BAR_S  # a step so wide that only the four prices are quoted
MICROS_PER_SECOND: Final = 1_000_000
BPS_OF_BOTH_SIDES: Final = 20_000


class Bar(NamedTuple):
    """One minute's prices as written. time: when it began, µs UTC."""

    time: int
    open: str
    high: str
    low: str
    close: str

    def is_ordered(self) -> bool:
        """Whether low and high bound the others."""
        opened, high, low, closed = map(Decimal, self[1:])
        return low <= min(opened, closed) and max(opened, closed) <= high

    def corners(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Its prices in the order walked: a bar that rises goes up first, any other down."""
        opened, high, low, closed = map(Decimal, self[1:])
        return (opened, high, low, closed) if closed > opened else (opened, low, high, closed)


def quotes_of(bar: Bar, symbol: str, spread_bps: int, step_s: int, first_update_id: int) -> Iterator[FeedQuote]:
    """Give a bar's quotes: its four prices, and points on the straight lines between them every step_s seconds.

    The prices are taken as the middle; bid and ask stand half the spread to either side. Points between are rounded to
    the decimal places of the bar.
    """
    corners = bar.corners()
    places = min(int(corner.as_tuple().exponent) for corner in corners)
    seconds = sorted({*CORNERS_AT_S, *range(0, BAR_S, step_s)})
    for update_id, second in enumerate(seconds, first_update_id):
        mid = _price_at(second, corners).quantize(Decimal((0, (1,), places)))
        half = mid * spread_bps / BPS_OF_BOTH_SIDES
        yield FeedQuote(
            symbol=symbol,
            bid=f"{mid - half:f}",
            ask=f"{mid + half:f}",
            source_time=bar.time + second * MICROS_PER_SECOND,
            update_id=update_id,
        )


def _price_at(second: int, corners: tuple[Decimal, ...]) -> Decimal:
    leg = max(index for index, at in enumerate(CORNERS_AT_S) if at <= second)
    since = second - CORNERS_AT_S[leg]
    if since == 0:
        return corners[leg]
    length = CORNERS_AT_S[leg + 1] - CORNERS_AT_S[leg]
    return corners[leg] + (corners[leg + 1] - corners[leg]) * since / length
