"""How subscription requests to Backpack's streams are read, and its errors and tickers written."""

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from runtime.json_faults import why_not_decoded


class TickerStatistics(NamedTuple):
    """The middle prices of a symbol since its recording began."""

    first: Decimal
    last: Decimal
    high: Decimal
    low: Decimal


class SubscriptionRefused(ValueError):
    """A request that is refused; the text says why."""


class StreamRequest(msgspec.Struct, frozen=True):
    """Which streams to begin or end."""

    method: str
    params: list[str]


def read_request(message: str | bytes) -> StreamRequest:
    """Read a request; Refused where it is none."""
    try:
        request = msgspec.json.decode(message, type=StreamRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SubscriptionRefused(f"Invalid request: {why_not_decoded(error)}") from None
    if request.method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
        raise SubscriptionRefused(f"Invalid method: {request.method}")
    return request


def error_message(why: str) -> str:
    """Write an error."""
    return _text({"id": None, "error": {"code": 4005, "message": why}})


def ticker_message(symbol: str, statistics: TickerStatistics, now: int) -> str:
    """Write the statistics of a symbol. Quotes have no trades: the middle stands for the last price."""
    data = {
        "e": "ticker",
        "E": now,
        "s": symbol,
        "o": f"{statistics.first:f}",
        "c": f"{statistics.last:f}",
        "h": f"{statistics.high:f}",
        "l": f"{statistics.low:f}",
        "v": "0",
        "V": "0",
        "n": 0,
    }
    return _text({"stream": f"ticker.{symbol}", "data": data})


def _text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
