"""How a Backpack message is written and parsed."""

from typing import Any, Final

import msgspec

from market_data.feed import FeedQuote, Heartbeat
from runtime.json_faults import TRUNCATED, why_not_decoded

NO_DATA: Final = (b"", b"null")
LOGGED_MAX: Final = 200  # characters of a bad message that are logged


class MalformedMessage(ValueError):
    """A message that is not of the protocol; the text says what is wrong."""


class TruncatedMessage(MalformedMessage):
    """A message that stops in its middle."""


class BookTicker(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Data of `bookTicker.<symbol>`: decimals as text, times in µs, `u` as text or number.

    Sizes are optional, because what `record` writes has none: the ticks topic does not carry them.
    """

    e: str | None = None
    E: int | None = None
    s: str
    a: str
    A: str | None = None
    b: str
    B: str | None = None
    u: str | int
    T: int


class TickerMessage(msgspec.Struct, kw_only=True, frozen=True):
    """Data of `ticker.<symbol>`, as far as it is used. c: the last price."""

    s: str
    c: str | None = None
    v: str | None = None


class Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """What every message is wrapped in; only those with data count."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    error: Any = None


class ErrorReply(msgspec.Struct, kw_only=True, frozen=True):
    """The server's answer to a request it refuses."""

    error: str


def read_message(message: str | bytes) -> FeedQuote | Heartbeat | ErrorReply | None:
    """Parse one message; None where it has no price; MalformedMessage where it is broken."""
    try:
        envelope = msgspec.json.decode(message, type=Envelope)
        if bytes(envelope.data) in NO_DATA:
            return None if envelope.error is None else ErrorReply(error=str(envelope.error)[:LOGGED_MAX])
        kind = (envelope.stream or "").partition(".")[0]
        if kind == "bookTicker":
            return quote_of(msgspec.json.decode(envelope.data, type=BookTicker))
        if kind == "ticker":
            ticker = msgspec.json.decode(envelope.data, type=TickerMessage)
            return Heartbeat(symbol=ticker.s, volume=ticker.v, last_price=ticker.c)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # A wrong type or a missing field is a DecodeError too.
        kind_of_error = TruncatedMessage if str(error) == TRUNCATED else MalformedMessage
        raise kind_of_error(why_not_decoded(error)) from None
    return None


def quote_of(data: BookTicker) -> FeedQuote:
    """Give a bookTicker's quote, its prices exactly as written; MalformedMessage when its update id is no number."""
    try:
        update_id = int(data.u)
    except ValueError:
        raise MalformedMessage(
            f"the update id {data.u[:LOGGED_MAX] if isinstance(data.u, str) else data.u!r} is no number"
        ) from None
    return FeedQuote(
        symbol=data.s,
        bid=data.b,
        ask=data.a,
        source_time=data.T,
        update_id=update_id,
        bid_size=data.B,
        ask_size=data.A,
    )


def write_quote(quote: FeedQuote, emitted_at: int) -> bytes:
    """Write a quote as Backpack would, its prices exactly as they are. emitted_at: µs UTC."""
    data = BookTicker(
        e="bookTicker",
        E=emitted_at,
        s=quote.symbol,
        a=quote.ask,
        A=quote.ask_size,
        b=quote.bid,
        B=quote.bid_size,
        u=str(quote.update_id),
        T=quote.source_time,
    )
    return msgspec.json.encode({"stream": f"bookTicker.{quote.symbol}", "data": data})
