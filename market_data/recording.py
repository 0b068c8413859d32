"""What a recording is: which files are opened as one, of which symbol its bars are, and what a look at it finds.

docs/recordings.md says for those who have such files what is accepted, and as what.
"""

import re
import stat
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from market_data.bars import Walk
from market_data.feed import FeedQuote
from market_data.recorded_bars import RecordedBars
from market_data.recorded_quotes import RecordedQuotes
from market_data.recording_lines import RecordingLines, recording_suffix
from runtime.errors import FixableError
from runtime.setting_values import symbol_of

SYMBOL_IN_NAME: Final = re.compile(r"(?P<base>[A-Z0-9]+?)(USDC|USDT|FDUSD|BUSD|TUSD|USD)?[_.-]")
FORMATS: Final = (
    "a recording is Backpack envelopes as JSON lines (.jsonl), or bars as CSV (.csv) with a header like "
    "time,open,high,low,close or in Binance's order, either of them gzipped (.gz) or zipped (.zip)"
)
CHECKED_MAX: Final = 20_000  # quotes or bars that are looked at before anything is played


class RecordingSummary(NamedTuple):
    """What a look at a recording found. is_whole: whether it has no more; notice: of an end that is cut off.

    highest: of each symbol the highest bid, or of bars the highest price.
    """

    highest: Mapping[str, Fraction]
    is_whole: bool
    notice: str | None

    @property
    def symbols(self) -> frozenset[str]:
        """Which symbols it has."""
        return frozenset(self.highest)


class Recording:
    """One file of quotes, read from its start as often as wanted.

    symbol: of its bars, null where its name says it. checked_max: so many quotes or bars are looked at first.
    """

    def __init__(self, file: Path, walk: Walk, symbol: str | None = None, *, checked_max: int = CHECKED_MAX) -> None:
        self.file = file
        self._checked_max = checked_max
        kind = _kind_of(file)
        if kind == ".jsonl" and symbol:
            raise FixableError(f"{file} names the symbol of each quote itself; a symbol is given for bars alone.")
        self._lines = RecordingLines(file)
        self._content = (
            RecordedQuotes(self._lines)
            if kind == ".jsonl"
            else RecordedBars(self._lines, symbol_in(file) if not symbol else symbol_of(symbol), walk)
        )

    @property
    def notice(self) -> str | None:
        """What is to be told of the end that the last reading came to, where that is cut off."""
        return self._lines.notice

    def quotes(self) -> Iterator[FeedQuote]:
        """Give the quotes in the file's order; a line that is none is a FixableError with its number."""
        return self._content.quotes()

    def check(self) -> RecordingSummary:
        """Look at its beginning and its last line, so that what is broken there is found before anything is played.

        A compressed file that is longer is not read to its last line.
        """
        highest, is_whole = self._content.check(self._checked_max)
        if not highest:
            if self.notice is not None:
                raise FixableError(
                    f"{self.file} is cut off before its first {self._content.holds}: there is nothing to play."
                )
            raise FixableError(
                f"{self.file} is empty: it holds no {self._content.holds}. {FORMATS[0].upper()}{FORMATS[1:]}."
            )
        return RecordingSummary(highest, is_whole, self.notice)


def symbol_in(file: Path) -> str:
    """Give the symbol the file's name begins with: bars do not say what they are of."""
    found = SYMBOL_IN_NAME.match(file.name.upper())
    if found is None:
        raise FixableError(
            f"{file} holds bars, and its name does not say of what: let it begin like btc_usdc.csv or btc-2024.csv, or "
            "name the symbol with --symbol (FEED_SYMBOL)."
        )
    return f"{found['base']}_USDC"


def _kind_of(file: Path) -> str:
    """Give `.jsonl` or `.csv`; FixableError for what is no file of these."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise FixableError(f"There is no recording {file}. Name a file that exists.") from None
    except OSError as error:
        raise FixableError(f"{file} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(mode):
        raise FixableError(f"{file} is {'a folder' if stat.S_ISDIR(mode) else 'no file'}. Name a recording.")
    kind = recording_suffix(file)
    if kind not in (".jsonl", ".csv"):
        raise FixableError(f"{file} has an unknown format: {FORMATS}.")
    return kind
