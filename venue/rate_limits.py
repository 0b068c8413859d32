"""How many requests the venue takes: weights per address, orders per account, and bans."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

SECONDS: Final = {"S": 1, "M": 60, "H": 3_600, "D": 86_400}
SHARE: Final = 0.9  # of a limit that is used: other programs of this address ask too
BAN_S: Final = 120.0  # where none is named with a 418
PAUSE_S: Final = 5.0  # where none is named with a 429
WEIGHT: Final = "weight"  # its counts are the address's; those of orders belong to an API key
_HEADER: Final = re.compile(r"x-mbx-(used-weight|order-count)-(\d+)([smhd])", re.IGNORECASE)
_LETTER: Final = {"SECOND": "S", "MINUTE": "M", "HOUR": "H", "DAY": "D"}

log = structlog.get_logger(__name__)
Interval = tuple[str, int]  # what is counted, and for how many seconds


class VenueRateLimits:
    """Counts what is used, by the venue's headers, and lets a request wait rather than break a limit."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._limits: dict[Interval, int] = {}
        self._used: dict[tuple[Interval, str], tuple[int, int]] = {}  # window's number and count, by interval and whose
        self._blocked_until = 0.0

    @property
    def are_known(self) -> bool:
        """Whether the venue has said what its limits are."""
        return bool(self._limits)

    @property
    def blocked_s(self) -> float:
        """How long nothing is sent yet."""
        return max(0.0, self._blocked_until - time.monotonic())

    def learn(self, rate_limits: Iterable[Mapping[str, Any]]) -> None:
        """Take the limits from the venue's own description."""
        for limit in rate_limits:
            kind = {"REQUEST_WEIGHT": WEIGHT, "ORDERS": "orders"}.get(str(limit.get("rateLimitType")))
            letter = _LETTER.get(str(limit.get("interval")))
            if kind is not None and letter is not None:
                self._limits[kind, int(limit["intervalNum"]) * SECONDS[letter]] = int(limit["limit"])

    async def admit(self, weight: int, orders_of: str | None = None) -> None:
        """Wait until a request of this weight breaks no limit; orders_of: the API key it places an order for."""
        while True:
            wait_s = max(self.blocked_s, *(self._wait_s(interval, weight, orders_of) for interval in self._limits), 0.0)
            if wait_s <= 0:
                break
            await asyncio.sleep(wait_s)
        for interval in self._limits:
            self._count(interval, weight, orders_of)

    def observe(self, headers: Mapping[str, str], orders_of: str | None = None) -> None:
        """Take what is used from a reply's headers, which know of other programs; what is on its way only we know."""
        for name, value in headers.items():
            found = _HEADER.fullmatch(name)
            if found is None or not value.isdigit():
                continue
            kind = WEIGHT if found[1].lower() == "used-weight" else "orders"
            interval = (kind, int(found[2]) * SECONDS[found[3].upper()])
            whose = "" if kind == WEIGHT else orders_of or ""
            now, (window, counted) = self._window(interval), self._used.get((interval, whose), (-1, 0))
            self._used[interval, whose] = (now, max(int(value), counted if window == now else 0))

    def block(self, status: int, retry_after: str | None) -> None:
        """Send nothing for as long as the venue said with a 418 or 429."""
        named = retry_after is not None and retry_after.isdigit()
        seconds = float(retry_after or 0) if named else BAN_S if status == 418 else PAUSE_S  # noqa: PLR2004  # A ban.
        self._blocked_until = max(self._blocked_until, time.monotonic() + seconds)
        log.warning("rate-limited by the venue", status=status, seconds=seconds)

    def _wait_s(self, interval: Interval, weight: int, orders_of: str | None) -> float:
        whose, adding = self._whose(interval, weight, orders_of)
        window, used = self._used.get((interval, whose), (-1, 0))
        if adding == 0 or window != self._window(interval) or used + adding <= self._limits[interval] * SHARE:
            return 0.0
        length_ms = interval[1] * 1_000
        return (length_ms - self._now_ms() % length_ms) / 1_000 + 0.01

    def _count(self, interval: Interval, weight: int, orders_of: str | None) -> None:
        whose, adding = self._whose(interval, weight, orders_of)
        window, used = self._used.get((interval, whose), (-1, 0))
        now = self._window(interval)
        self._used[interval, whose] = (now, adding + (used if window == now else 0))

    def _whose(self, interval: Interval, weight: int, orders_of: str | None) -> tuple[str, int]:
        if interval[0] == WEIGHT:
            return "", weight
        return (orders_of, 1) if orders_of is not None else ("", 0)

    def _window(self, interval: Interval) -> int:
        return self._now_ms() // (interval[1] * 1_000)
