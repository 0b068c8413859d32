"""Rate limits: each bucket is counted separately, replies name the rest, and closing has a bucket of its own."""

import pytest

from api.auth.limiting import bucket_of
from api.http.rate_limits import RateLimits
from runtime.settings import Settings


def limits(**rates: str) -> RateLimits:
    return RateLimits(Settings.model_validate({f"rate_limit_{name}": rate for name, rate in rates.items()}))


def test_a_bucket_allows_its_quota_and_no_more() -> None:
    rates = limits(orders="3 per 60 second")
    taken = [rates.take("orders", "alice") for _ in range(4)]
    assert [(one.allowed, one.remaining) for one in taken] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert 1 <= taken[-1].reset_s <= 60


def test_buckets_and_accounts_are_counted_separately() -> None:
    rates = limits(orders="1/minute", closing="1/minute")
    assert rates.take("orders", "alice").allowed
    assert not rates.take("orders", "alice").allowed
    assert rates.take("closing", "alice").allowed
    assert rates.take("orders", "bob").allowed


def test_the_remaining_quota_is_written_as_the_ratelimit_headers_draft_defines() -> None:
    headers = limits(orders="10 per 2 second").take("orders", "alice").headers()
    assert headers["RateLimit-Policy"] == '"orders";q=10;w=2'
    assert headers["RateLimit"].startswith('"orders";r=9;t=')


@pytest.mark.parametrize(
    ("given", "quota"),
    [
        ({"profile": "demo"}, 300),
        ({"profile": "production"}, 20),
        ({"profile": "production", "rate_limit_registrations": "7/minute"}, 7),
    ],
)
def test_registrations_of_an_address_are_fewer_in_production_unless_they_are_set(
    given: dict[str, str], quota: int
) -> None:
    headers = RateLimits(Settings.model_validate(given)).take("registrations", "192.0.2.1").headers()
    assert headers["RateLimit-Policy"] == f'"registrations";q={quota};w=60'


@pytest.mark.parametrize(
    ("given", "quota"),
    [
        ({"profile": "demo"}, 1200),
        ({"profile": "production"}, 30),
        ({"profile": "production", "rate_limit_logins": "7/minute"}, 7),
    ],
)
def test_logins_of_an_address_are_fewer_in_production_unless_they_are_set(given: dict[str, str], quota: int) -> None:
    headers = RateLimits(Settings.model_validate(given)).take("logins", "192.0.2.1").headers()
    assert headers["RateLimit-Policy"] == f'"logins";q={quota};w=60'


@pytest.mark.parametrize(
    ("method", "path", "bucket"),
    [
        ("GET", "/api/v1/positions", "reads"),
        ("GET", "/api/v1/positions/2-17/close", "reads"),
        ("POST", "/api/v1/orders", "orders"),
        ("PATCH", "/api/v1/positions/2-17", "orders"),
        ("POST", "/api/v1/positions/2-17/close", "closing"),
        ("POST", "/api/v1/positions/close-all", "closing"),
        ("DELETE", "/api/v1/orders", "closing"),
        ("DELETE", "/api/v1/orders/7", "closing"),
        ("DELETE", "/api/v1/api-keys/7", "orders"),
    ],
)
def test_closing_and_cancelling_have_a_bucket_of_their_own(method: str, path: str, bucket: str) -> None:
    assert bucket_of(method, path) == bucket


@pytest.mark.parametrize("rate", ["", "fast", "0/minute", "-1/minute", "10/fortnight"])
def test_an_invalid_rate_stops_the_start_with_the_setting_s_name(rate: str) -> None:
    with pytest.raises(ValueError, match=r"RATE_LIMIT_ORDERS|rate_limit_orders"):
        Settings.model_validate({"RATE_LIMIT_ORDERS": rate})
