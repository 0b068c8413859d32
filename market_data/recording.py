"""What a recording holds: Backpack envelopes as JSON lines or one-minute bars as CSV, either gzipped."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, cast

from market_data.bars import Bar, quotes_of
from market_data.conversion import scaled
from market_data.envelopes import ErrorReply, MalformedMessage, read_message
from market_data.feed import FeedQuote
from runtime.errors import FixableError
from schemas.units import NotRepresentable

SYMBOL_IN_NAME: Final = re.compile(r"(?P<base>[A-Z0-9]+?)(USDC|USDT|USD)?[_.-]")
BAR_COLUMNS: Final = ["time", "open", "high", "low", "close", "volume"]
FORMATS: Final = (
    "a recording is Backpack envelopes as JSON lines (.jsonl) or one-minute bars as CSV with the header "
    f"{','.join(BAR_COLUMNS)} (.csv), either of them gzipped (.gz)"
)
MICROS_PER_SECOND: Final = 1_000_000


class Recording:
    """One file of quotes, read from its start as often as wanted. spread_bps and step_s: see `bars`."""

    def __init__(self, file: Path, spread_bps: int, step_s: int) -> None:
        self.file = file
        self._spread_bps = spread_bps
        self._step_s = step_s
        kind = Path(file.name.removesuffix(".gz")).suffix
        if not file.is_file():
            raise FixableError(f"There is no recording {file}. Name a file that exists.")
        if kind not in (".jsonl", ".csv"):
            raise FixableError(f"{file} has an unknown format: {FORMATS}.")
        self._of_bars = kind == ".csv"
        self._bar_symbol = symbol_in(file) if self._of_bars else ""

    def quotes(self) -> Iterator[FeedQuote]:
        """Give the quotes in the file's order; a line that is none is a FixableError with its number."""
        with _opened(self.file) as lines:
            if self._of_bars:
                # A byte that is no UTF-8 then makes its own line wrong, and the error has the line's number.
                yield from self._quotes_of_bars(line.decode("utf-8", "replace") for line in lines)
            else:
                yield from self._quotes_of_envelopes(lines)

    def check(self) -> frozenset[str]:
        """Read it whole, so that a broken line is found before anything is played; gives its symbols."""
        symbols = frozenset(quote.symbol for quote in self.quotes())
        if not symbols:
            raise FixableError(f"{self.file} holds no quote: {FORMATS}.")
        return symbols

    def _quotes_of_envelopes(self, lines: IO[bytes]) -> Iterator[FeedQuote]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                message = read_message(line)
            except MalformedMessage as error:
                raise FixableError(f"{self.file}, line {number}: not a Backpack envelope: {error}.") from None
            if message is None or isinstance(message, ErrorReply):
                raise FixableError(
                    f"{self.file}, line {number}: not a Backpack envelope with bookTicker or ticker data."
                )
            # A `ticker` among them is of no use: a recording that plays gives heartbeats anyway.
            if isinstance(message, FeedQuote):
                yield message

    def _quotes_of_bars(self, lines: Iterator[str]) -> Iterator[FeedQuote]:
        reader = csv.reader(lines)
        update_id = 0
        if next(reader, None) != BAR_COLUMNS:
            raise FixableError(f"{self.file}, line 1: the header is not {','.join(BAR_COLUMNS)}.")
        for row in reader:
            if not row:
                continue
            try:
                bar = read_bar(row)
            except (ValueError, NotRepresentable) as error:
                raise FixableError(f"{self.file}, line {reader.line_num}: not a bar: {error}.") from None
            for quote in quotes_of(bar, self._bar_symbol, self._spread_bps, self._step_s, update_id + 1):
                update_id = quote.update_id
                yield quote


def read_bar(row: list[str]) -> Bar:
    """Read the columns of one bar; a ValueError says what is wrong with them."""
    if len(row) != len(BAR_COLUMNS):
        raise ValueError(f"{len(row)} columns in place of {len(BAR_COLUMNS)}")
    opened = datetime.fromisoformat(row[0])
    if opened.tzinfo is None:
        opened = opened.replace(tzinfo=UTC)
    for text in row[1:5]:
        scaled(text, 0)
    bar = Bar(int(opened.timestamp()) * MICROS_PER_SECOND, *row[1:5])
    if not bar.is_ordered():
        raise ValueError("its high is not the highest, or its low not the lowest")
    return bar


def symbol_in(file: Path) -> str:
    """Give the symbol the file's name begins with: bars do not say what they are of."""
    found = SYMBOL_IN_NAME.match(file.name.upper())
    if found is None:
        raise FixableError(
            f"{file} holds bars, and its name does not say of what: let it begin like btc_usdc.csv or btc-2024.csv."
        )
    return f"{found['base']}_USDC"


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            yield cast("IO[bytes]", lines)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise FixableError(f"{file} cannot be read to its end: {error}.") from error
