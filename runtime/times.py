"""How a time that a person types is read: it is UTC unless it says its offset, on any machine."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros_of(text: str) -> int:
    """Read an ISO time as µs since 1970; ValueError when it is none."""
    moment = datetime.fromisoformat(text)
    return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
