"""With which settings the API refuses to start, and what it says then."""

import pytest

from reprise.api.main import jwt_secret
from reprise.runtime.errors import FixableError
from reprise.runtime.settings import Settings

GOOD = "8e0c1b7f3a5d9e2c4b6a8f0d1e3c5b7a9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def settings(profile: str, secret: str | None) -> Settings:
    return Settings.model_validate({"profile": profile, "jwt_secret": secret, "auth_jwt_secret": None})


@pytest.mark.parametrize("profile", ["demo", "production"])
@pytest.mark.parametrize("secret", [None, "", "short", "x" * 31])
def test_a_missing_or_short_secret_stops_the_start_and_says_how_to_make_one(profile: str, secret: str | None) -> None:
    with pytest.raises(FixableError, match="openssl rand -hex 32"):
        jwt_secret(settings(profile, secret))


@pytest.mark.parametrize("secret", ["changethis" * 4, "my-very-long-secret-that-is-from-an-example", "a" * 40])
def test_in_production_an_example_is_no_secret(secret: str) -> None:
    with pytest.raises(FixableError, match="looks like an example"):
        jwt_secret(settings("production", secret))


@pytest.mark.parametrize("profile", ["demo", "production"])
def test_a_good_secret_is_taken(profile: str) -> None:
    assert jwt_secret(settings(profile, GOOD)) == GOOD
