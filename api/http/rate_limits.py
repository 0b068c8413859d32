"""How many requests an account, or an address without one, may send; closing has a bucket of its own."""

import math
import time
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from fastapi import Request
from limits import RateLimitItem, parse
from limits.strategies import SlidingWindowCounterRateLimiter

from api.http.problems import RATE_LIMITED, ApiError
from api.http.window_counts import WindowCounts
from runtime.settings import Profile, Settings

Bucket = Literal["reads", "orders", "closing", "public", "registrations", "logins"]

RATE_LIMIT: Final = "RateLimit"
POLICY: Final = "RateLimit-Policy"
BUCKET_STATE: Final = "rate_limit"  # what a request's state calls it
# An exhibition or a load test makes its users from one address; in production an address is a household or an office.
REGISTRATIONS: Final[dict[Profile, str]] = {"demo": "300/minute", "production": "20/minute"}
LOGINS: Final[dict[Profile, str]] = {"demo": "1200/minute", "production": "30/minute"}


class BucketState(NamedTuple):
    """What is left of a bucket. reset_s: until there is more."""

    bucket: Bucket
    allowed: bool
    quota: int
    window_s: int
    remaining: int
    reset_s: int

    def refuse_beyond(self) -> None:
        """Raise 429 where the bucket was empty."""
        if self.allowed:
            return
        named: dict[str, Any] = {"violated-policies": [self.bucket]}
        raise ApiError(
            RATE_LIMITED,
            f"At most {self.quota} requests in {self.window_s} s",
            headers={"Retry-After": str(self.reset_s)},
            details={"requests_max": self.quota, "window_s": self.window_s, "retry_after_s": self.reset_s},
            **named,
        )

    def headers(self) -> dict[str, str]:
        """Write it as draft-ietf-httpapi-ratelimit-headers-10 has it."""
        return {
            POLICY: f'"{self.bucket}";q={self.quota};w={self.window_s}',
            RATE_LIMIT: f'"{self.bucket}";r={self.remaining};t={self.reset_s}',
        }


class RateLimits:
    """Counts by a sliding window in this process's memory; `counts` takes up what other processes counted.

    name_of: gives under which name a key is told to the others; null where there are none.
    """

    def __init__(self, settings: Settings, name_of: Callable[[str], str] | None = None) -> None:
        self.counts = WindowCounts(name_of)
        self._limiter = SlidingWindowCounterRateLimiter(self.counts)
        self._limits: dict[Bucket, RateLimitItem] = {
            "reads": parse(settings.rate_limit_reads),
            "orders": parse(settings.rate_limit_orders),
            "closing": parse(settings.rate_limit_closing),
            "public": parse(settings.rate_limit_public),
            "registrations": parse(settings.rate_limit_registrations or REGISTRATIONS[settings.profile]),
            "logins": parse(settings.rate_limit_logins or LOGINS[settings.profile]),
        }

    def take(self, bucket: Bucket, who: str) -> BucketState:
        """Count a request, unless the bucket is empty."""
        limit = self._limits[bucket]
        allowed = self._limiter.hit(limit, bucket, who)
        reset_at, remaining = self._limiter.get_window_stats(limit, bucket, who)
        reset_s = max(1, math.ceil(reset_at - time.time()))
        return BucketState(bucket, allowed, limit.amount, limit.get_expiry(), int(remaining), reset_s)

    def count(self, request: Request, bucket: Bucket, who: str) -> None:
        """Count a request and let its reply have what is left; 429 where the bucket is empty."""
        standing = self.take(bucket, who)
        setattr(request.state, BUCKET_STATE, standing)
        standing.refuse_beyond()


def is_counted(request: Request) -> bool:
    """Say whether a request was counted already."""
    return getattr(request.state, BUCKET_STATE, None) is not None
