"""How the audit writes money, rates and times: exact digits and ISO 8601."""

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.units import MONEY_EXPONENT, render

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def money(micros: int) -> str:
    """Write micros as USDC."""
    return render(micros, MONEY_EXPONENT)


def iso(time: int) -> str:
    """Write µs UTC as ISO 8601."""
    return (EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rate_of(ppm: int) -> str:
    """Write parts per million as the factor it is."""
    return render(ppm, 6)
