"""How a file of Backpack envelopes becomes quotes."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import msgspec

from market_data.envelopes import ErrorReply, MalformedMessage, TruncatedMessage, read_message
from market_data.feed import FeedQuote
from market_data.prices import PriceUnsound, price_of, refuse_unsound
from market_data.recording_lines import RecordingLine, RecordingLines
from market_data.source_times import UnreadableTime, micros_of_number


class RecordedQuotes:
    """The quotes of one file, in order of time within each symbol."""

    holds = "quote"

    def __init__(self, lines: RecordingLines) -> None:
        self._lines = lines

    def quotes(self) -> Iterator[FeedQuote]:
        """Give the quotes; a line that is none is a FixableError with its number."""
        newest: dict[str, FeedQuote] = {}
        for line in self._lines:
            quote = self._quote_in(line)
            # A subscription begins with the last quote once more, so one that is repeated is nothing new.
            if quote is None or quote == newest.get(quote.symbol):
                continue
            self._refuse_older(line, quote, newest)
            newest[quote.symbol] = quote
            yield quote

    def check(self, count: int) -> tuple[dict[str, Fraction], bool]:
        """Look at the first so many quotes and the last line; gives the highest bids, and whether these are all."""
        newest: dict[str, FeedQuote] = {}
        highest: dict[str, Fraction] = {}
        seen = 0
        for quote in islice(self.quotes(), count + 1):
            newest[quote.symbol] = quote
            bid = price_of(quote.bid, "bid")
            highest[quote.symbol] = max(bid, highest.get(quote.symbol, bid))
            seen += 1
        last = self._lines.last() if seen > count else None
        quote_at_end = None if last is None else self._quote_in(last)
        if last is not None and quote_at_end is not None and quote_at_end != newest.get(quote_at_end.symbol):
            self._refuse_older(last, quote_at_end, newest)
        return highest, seen <= count

    def _quote_in(self, line: RecordingLine) -> FeedQuote | None:
        """Read one envelope; null for one that has no quote, and for the file's torn end."""
        try:
            quote = _read(line.text)
        except (MalformedMessage, UnreadableTime, PriceUnsound) as error:
            if isinstance(error, TruncatedMessage) and self._lines.leave_out(line):
                return None
            raise self._lines.refusal(line, f"not a Backpack envelope: {error}") from None
        return quote

    def _refuse_older(self, line: RecordingLine, quote: FeedQuote, newest: dict[str, FeedQuote]) -> None:
        before = newest.get(quote.symbol)
        if before is not None and (quote.source_time, quote.update_id) <= (before.source_time, before.update_id):
            raise self._lines.refusal(
                line,
                f"a quote of {quote.symbol} that is not newer than the one before it (T {quote.source_time}, u "
                f"{quote.update_id} after {before.source_time}, {before.update_id}); they must be in order of time",
            )


def _read(envelope: bytes) -> FeedQuote | None:
    """Read one envelope; null for a `ticker`: a recording that plays gives heartbeats anyway."""
    message = read_message(envelope)
    if message is None or isinstance(message, ErrorReply):
        raise MalformedMessage(
            'it has no bookTicker or ticker data; a line is {"stream":"bookTicker.SOL_USDC","data":{…}}'
        )
    if not isinstance(message, FeedQuote):
        return None
    quote = msgspec.structs.replace(message, source_time=micros_of_number(message.source_time))
    refuse_unsound(quote)
    return quote
