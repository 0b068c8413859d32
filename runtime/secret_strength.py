"""Which secrets are too short to start with, and which look like an example."""

from typing import Final, Literal

from runtime.errors import FixableError

SECRET_BYTES_MIN: Final = 32
DISTINCT_MIN: Final = 8  # characters
# What somebody may have copied from an example is no secret.
WEAK_WORDS: Final = (
    "changethis",
    "change-me",
    "change_me",
    "secret",
    "password",
    "example",
    "default",
    "012345",
    "123456",
)
HOW: Final = "Set JWT_SECRET to at least 32 random bytes, for instance from `openssl rand -hex 32`."


def require_strong(name: str, secret: str, profile: Literal["demo", "production"]) -> str:
    """Give the secret back; FixableError where it is short, or in production one of an example. It is never shown."""
    if is_short(secret):
        raise FixableError(f"{name} has {len(secret.encode())} bytes. {HOW}")
    if profile == "production" and looks_like_example(secret):
        raise FixableError(f"{name} looks like an example. {HOW}")
    return secret


def is_short(secret: str) -> bool:
    return len(secret.encode()) < SECRET_BYTES_MIN


def looks_like_example(secret: str) -> bool:
    return len(set(secret)) < DISTINCT_MIN or any(word in secret.lower() for word in WEAK_WORDS)
