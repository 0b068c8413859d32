"""How log time is written: RFC 3339 UTC with microseconds."""

from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(micros: int) -> str:
    """Write microseconds since 1970 as `2026-01-02T03:04:05.000006Z`."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def micros_of(moment: datetime) -> int:
    """Give microseconds since 1970; a time without zone is UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def now() -> int:
    """The wall clock in microseconds."""
    return time_ns() // 1_000
