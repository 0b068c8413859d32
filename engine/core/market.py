"""Whether a market trades now: open, and with a fresh price."""

from engine.core.prices import condition
from engine.core.state import State
from schemas.ledger_records import Quote
from schemas.rejections import Rejection

_BY_CONDITION = {
    "none": Rejection.NO_PRICE,
    "unconfirmed": Rejection.PRICE_UNCONFIRMED,
    "stale": Rejection.PRICE_STALE,
}


def refuse_closed(state: State, symbol: str, *, opening: bool) -> Rejection | None:
    """Say why nothing may be opened, or nothing closed, in a known market; null when it may."""
    status = state.markets[symbol].status
    if status == "halted":
        return Rejection.MARKET_HALTED
    if opening and status == "close_only":
        return Rejection.MARKET_CLOSE_ONLY
    return None


def refuse_price(state: State, symbol: str, time: int) -> Rejection | None:
    """Say why a known symbol's price is not to be acted on; null when it is fresh."""
    return _BY_CONDITION.get(condition(state, symbol, time))


def quote_of(state: State, symbol: str) -> Quote:
    """Give the last accepted tick of a symbol that has one: whose price is fresh, or who has an open position."""
    quote = state.markets[symbol].quote
    assert quote is not None, "a fresh price is a price"
    return quote
