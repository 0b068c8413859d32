"""The settings with which the API refuses to start, and its messages."""

import pytest
from pydantic import ValidationError

from api.main import jwt_secret, retired_secrets
from runtime.errors import FixableError
from runtime.settings import Settings

GOOD = "8e0c1b7f3a5d9e2c4b6a8f0d1e3c5b7a9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def settings(profile: str, secret: str | None, retired: str = "") -> Settings:
    return Settings.model_validate(
        {"profile": profile, "jwt_secret": secret, "auth_jwt_secret": None, "jwt_secrets_retired": retired}
    )


@pytest.mark.parametrize("profile", ["demo", "production"])
@pytest.mark.parametrize("secret", [None, "", "short", "x" * 31])
def test_a_missing_or_short_secret_stops_the_start_with_the_command_that_makes_a_secret(
    profile: str, secret: str | None
) -> None:
    with pytest.raises(FixableError, match="openssl rand -hex 32"):
        jwt_secret(settings(profile, secret))


@pytest.mark.parametrize("secret", ["changethis" * 4, "my-very-long-secret-that-is-from-an-example", "a" * 40])
def test_in_production_an_example_secret_stops_the_start(secret: str) -> None:
    with pytest.raises(FixableError, match="looks like an example"):
        jwt_secret(settings("production", secret))


@pytest.mark.parametrize("retired", ["short", f"{GOOD},short"])
def test_a_short_or_example_retired_secret_stops_the_start(retired: str) -> None:
    with pytest.raises(FixableError, match="JWT_SECRETS_RETIRED has 5 bytes"):
        retired_secrets(settings("demo", GOOD, retired))
    with pytest.raises(FixableError, match="JWT_SECRETS_RETIRED looks like an example"):
        retired_secrets(settings("production", GOOD, "changethis" * 4))
    assert retired_secrets(settings("production", GOOD, f"{GOOD}1, {GOOD}2")) == (f"{GOOD}1", f"{GOOD}2")


@pytest.mark.parametrize("origin", ["*", "https://*.example.com", "example.com", "https://example.com/", "null"])
def test_an_invalid_cors_origin_stops_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match=r"origins like https://app\.example\.com"):
        Settings.model_validate({"cors_origins": f"https://app.example.com, {origin}"})


@pytest.mark.parametrize("profile", ["demo", "production"])
def test_a_long_secret_is_accepted(profile: str) -> None:
    assert jwt_secret(settings(profile, GOOD)) == GOOD


@pytest.mark.parametrize("proxy", ["*", "proxy.example.com", "10.0.0.0/33", "127.0.0.1:8000", "10.0.0.1/8"])
def test_a_trusted_proxy_that_is_no_address_or_network_stops_the_start(proxy: str) -> None:
    with pytest.raises(ValidationError, match=r"addresses or networks by commas"):
        Settings.model_validate({"trusted_proxies": f"127.0.0.1, {proxy}"})
    assert Settings.model_validate({"trusted_proxies": "10.0.0.0/8, ::1"}).trusted_proxies == "10.0.0.0/8, ::1"
    assert Settings.model_validate({"trusted_proxies": ""}).trusted_proxies == ""
