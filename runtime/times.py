"""How times are counted in µs: one that does not say its offset is UTC, on any machine."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros_of(text: str) -> int:
    """Read an ISO time as µs since 1970; ValueError when it is none."""
    return micros_at(datetime.fromisoformat(text))


def micros_at(moment: datetime) -> int:
    """Give a moment as µs since 1970; one without zone is UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
