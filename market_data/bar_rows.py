"""How the rows of a file of bars are read: which columns they have, by a header or in Binance's order."""

import csv
import re
from typing import Final, NamedTuple

from market_data.bars import Bar
from market_data.prices import PriceUnsound, price_of
from market_data.source_times import UnreadableTime, micros_of_text

IN_ORDER: Final = ("time", "open", "high", "low", "close")
PRICES: Final = {"open": ("open", "o"), "high": ("high", "h"), "low": ("low", "l"), "close": ("close", "c")}
TIMES: Final = ("opentime", "unix", "timestamp", "unixtimestamp", "datetime", "time", "date", "t", "ts")
DELIMITERS: Final = ",;\t"
NAME: Final = re.compile(r"[^a-z0-9]")


class NotABar(ValueError):
    """A row that is no bar, or a header without its columns; the text says why."""


class TruncatedBar(NotABar):
    """A row that has fewer columns than the others."""


class BarColumns(NamedTuple):
    """Where in a row everything is. time: one column, or a date's and a clock's. width: columns of every row."""

    delimiter: str
    width: int
    time: tuple[int, ...]
    prices: tuple[int, int, int, int]


def columns_of(first_row: str) -> tuple[BarColumns, bool]:
    """Learn the columns from the first row; with it, whether that is a header. NotABar where it is neither."""
    delimiter = next((each for each in DELIMITERS if each in first_row), ",")
    cells = _cells(first_row, delimiter)
    if not any(_is_time(cell) for cell in cells):
        return _of_header(cells, delimiter), True
    if len(cells) < len(IN_ORDER):
        raise NotABar(f"{len(cells)} columns; a bar without a header has at least {','.join(IN_ORDER)}")
    return BarColumns(delimiter, len(cells), (0,), (1, 2, 3, 4)), False


def read_bar(row: str, columns: BarColumns) -> Bar | None:
    """Read one row; null for one whose cells are all empty, NotABar for one that is no bar."""
    cells = _cells(row, columns.delimiter)
    if not any(cells):
        return None
    if len(cells) != columns.width:
        kind_of_error = TruncatedBar if len(cells) < columns.width else NotABar
        raise kind_of_error(f"{len(cells)} columns in place of {columns.width}")
    texts = [cells[column] for column in columns.prices]
    try:
        time = micros_of_text(" ".join(cells[column] for column in columns.time))
        opened, high, low, closed = (price_of(text, name) for text, name in zip(texts, PRICES, strict=True))
    except (UnreadableTime, PriceUnsound) as error:
        raise NotABar(str(error)) from None
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise NotABar(f"its high {texts[1]} is not the highest, or its low {texts[2]} not the lowest")
    return Bar(time, *texts)


def _of_header(cells: list[str], delimiter: str) -> BarColumns:
    names = [NAME.sub("", cell.lower()) for cell in cells]

    def place_of(meanings: tuple[str, ...]) -> int | None:
        meant = next((meaning for meaning in meanings if meaning in names), None)
        if meant is not None and names.count(meant) > 1:
            raise NotABar(f"the header has the column {meant} {names.count(meant)} times")
        return None if meant is None else names.index(meant)

    time = place_of(TIMES)
    prices = [place_of(meanings) for meanings in PRICES.values()]
    missing = [name for name, place in zip(IN_ORDER, (time, *prices), strict=True) if place is None]
    found = [place for place in prices if place is not None]
    if time is None or missing:
        raise NotABar(f"the header has no column {', '.join(missing)}")
    of_time = (names.index("date"), time) if names[time] == "time" and "date" in names else (time,)
    return BarColumns(delimiter, len(cells), of_time, (found[0], found[1], found[2], found[3]))


def _is_time(cell: str) -> bool:
    try:
        micros_of_text(cell)
    except UnreadableTime:
        # Also a time that is refused is none of a header.
        return cell[:1].isdigit()
    return True


def _cells(row: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader((row,), delimiter=delimiter), [])]
    except csv.Error as error:
        raise NotABar("its columns cannot be told apart") from error
