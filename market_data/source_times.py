"""How a recording's times are read: a number since 1970 by how many digits it has, a date with the year first."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from market_data.conversion import scaled
from schemas.units import SECOND, NotRepresentable

# Whole digits of a time between 2001 and 2286, and how many µs its unit has; nanoseconds have less than one.
UNITS: Final = {10: (SECOND, 1), 13: (1_000, 1), 16: (1, 1), 19: (1, 1_000)}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
YEARS: Final = (1970, 2261)  # of a recording; 64 bits of nanoseconds end in 2262
SHOWABLE_MAX: Final = (datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
DATE: Final = re.compile(
    r"(?P<year>\d{4})(?P<separator>[-/.])(?P<month>\d{1,2})(?P=separator)(?P<day>\d{1,2})"
    r"(?:(?:\s*[Tt]\s*|\s+)(?P<hour>\d{1,2})(?P<clock>:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(?P<zone>\S.*)?)?",
    re.ASCII,
)
NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?([eE]\+?[0-9]+)?")
OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-]\d{2}):?(\d{2})?", re.ASCII)
COMPACT: Final = 8  # digits of a date without separators


class UnreadableTime(ValueError):
    """A text or number that is no time a recording may have; the text says why."""


def micros_of_text(text: str) -> int:
    """Read a time in µs UTC: seconds, ms, µs or ns since 1970, or a date and time; without a zone it is UTC."""
    text = text.strip()
    if NUMBER.fullmatch(text) and not (len(text) == COMPACT and text.isdigit()):
        try:
            units, divisor = scaled(text, 0)
        except NotRepresentable as error:
            raise UnreadableTime(str(error)) from None
        return _of_number(units, divisor)
    moment = _moment(text)
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise UnreadableTime(f"the time {text!r} is not in the years {YEARS[0]} to {YEARS[1]}")
    return (moment - EPOCH) // MICROSECOND


def micros_of_number(number: int) -> int:
    """Read a time in µs UTC from a number since 1970, whose digits say of what it is."""
    return _of_number(number, 1)


def _of_number(units: int, divisor: int) -> int:
    whole = str(units // divisor)
    if len(whole) not in UNITS:
        raise UnreadableTime(
            f"the time {whole[:40]} has {len(whole)} digits; since 1970 a time in seconds has 10, in milliseconds 13, "
            "in microseconds 16, in nanoseconds 19"
        )
    times, parts = UNITS[len(whole)]
    micros = units * times // (divisor * parts)
    if (EPOCH + timedelta(microseconds=micros)).year > YEARS[1]:
        raise UnreadableTime(f"the time {whole} is after the year {YEARS[1]}")
    return micros


def _moment(text: str) -> datetime:
    """Read a date and time that begin with the year."""
    found = DATE.fullmatch(text)
    try:
        if found is None:
            # Without separators, or as ISO has weeks: what is not read here is no date that can be meant.
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        date = f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
        clock = f"{int(found['hour'] or 0):02}{found['clock'] or ':00'}".replace(",", ".")
        return datetime.fromisoformat(f"{date}T{clock}{_offset(found['zone'] or 'Z')}")
    except ValueError:
        raise UnreadableTime(
            f"the time {text[:40]!r} is none; write it like 2022-01-31T12:00:00Z, or as a number since 1970"
        ) from None


def _offset(zone: str) -> str:
    """Give a zone as ISO writes it; ValueError for a name that is not UTC's."""
    if zone.upper() in ("Z", "UTC", "GMT"):
        return "+00:00"
    found = OFFSET.fullmatch(zone.upper())
    if found is None:
        raise ValueError(zone)
    return f"{found[1]}:{found[2] or '00'}"
