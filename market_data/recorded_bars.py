"""How a file of bars becomes quotes: bars of any length, each walked until the next one begins."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice, pairwise
from typing import Final

from market_data.bar_rows import BarColumns, NotABar, TruncatedBar, columns_of, read_bar
from market_data.bars import Bar, Walk, quotes_of
from market_data.feed import FeedQuote
from market_data.prices import price_of
from market_data.recording_lines import RecordingLine, RecordingLines
from schemas.units import MINUTE

MEASURED: Final = 1_000  # bars


class RecordedBars:
    """The bars of one file and one symbol, in order of time."""

    holds = "bar"

    def __init__(self, lines: RecordingLines, symbol: str, walk: Walk) -> None:
        self._lines = lines
        self._symbol = symbol
        self._walk = walk
        self._columns: BarColumns | None = None
        self._length: int | None = None

    def quotes(self) -> Iterator[FeedQuote]:
        """Give the quotes of all bars; a line that is none is a FixableError with its number."""
        if self._length is None:
            self.check(MEASURED)
        update_id, length = 0, self._length or MINUTE
        for bar, following in pairwise(chain(self._bars(), (None,))):
            assert bar is not None, "only after the last there is none"
            # A month is longer or shorter than the one before it.
            own_length = length if following is None else min(length, following.time - bar.time)
            for quote in quotes_of(bar, self._symbol, self._walk, update_id + 1, own_length):
                update_id = quote.update_id
                yield quote

    def check(self, count: int) -> tuple[dict[str, Fraction], bool]:
        """Look at the first so many bars and the last line; gives the symbol's highest price, and whether it is all.

        How long a bar is, the least time between two of them says; one alone is of a minute.
        """
        bars = list(islice(self._bars(), count + 1))
        self._length = min((after.time - before.time for before, after in pairwise(bars)), default=MINUTE)
        last = self._lines.last() if len(bars) > count else None
        bar_at_end = None if last is None else self._bar_in(last)
        if last is not None and bar_at_end is not None and bar_at_end.time < bars[-1].time:
            raise self._lines.refusal(last, "it begins before the bars before it, and bars are in order of time")
        highest = {self._symbol: max(price_of(bar.high, "high") for bar in bars)} if bars else {}
        return highest, len(bars) <= count

    def _bars(self) -> Iterator[Bar]:
        before: Bar | None = None
        self._columns = None
        for line in self._lines:
            bar = self._bar_in(line)
            if bar is None:
                continue
            if before is not None and bar.time <= before.time:
                raise self._lines.refusal(
                    line, "it begins no later than the bar before it, and bars are in order of time"
                )
            before = bar
            yield bar

    def _bar_in(self, line: RecordingLine) -> Bar | None:
        """Read one row; null for a header, for one that is empty, and for the file's torn end."""
        try:
            row = line.text.decode()
            if self._columns is None:
                self._columns, is_header = columns_of(row)
                if is_header:
                    return None
            return read_bar(row, self._columns)
        except UnicodeDecodeError:
            raise self._lines.refusal(line, "not text in UTF-8") from None
        except NotABar as error:
            if isinstance(error, TruncatedBar) and self._lines.leave_out(line):
                return None
            what = "not a bar: " if self._columns else ""
            raise self._lines.refusal(line, f"{what}{error}") from None
