"""Each symbol's prices in the last 24 hours: read from PostgreSQL every ten seconds at most."""

from collections.abc import Mapping
from time import monotonic
from typing import Final

from api.http.times import now
from api.store.database import Database
from projector.queries import DayStats, day_stats

AGE_MAX_S: Final = 10.0


class DayStatsCache:
    """Keeps the last answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: Mapping[str, DayStats] = {}
        self._read_at = -AGE_MAX_S

    async def days(self) -> Mapping[str, DayStats]:
        """Give the last 24 hours by symbol; a symbol without a tick in them is missing."""
        if monotonic() - self._read_at >= AGE_MAX_S:
            # Whoever comes meanwhile gets the answer before.
            self._read_at = monotonic()
            self._days = await self._database.ask(lambda db: day_stats(db, now()))
        return self._days
