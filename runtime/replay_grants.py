"""How the API tells the replay service whose replay may be given: signed, for one question and half a minute.

The secret itself is never sent: whoever takes the service's port while it is away learns nothing that lasts.
"""

import hmac
import time
from hashlib import sha256
from typing import Final

from runtime.errors import FixableError
from runtime.secret_strength import HOW, require_strong
from runtime.settings import Settings

HEADER: Final = "X-Replay-Grant"
VALID_S: Final = 30


class ReplayKey:
    """What both sides have."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def grant(self, target: str, now: float | None = None) -> str:
        """Sign a question: its path with its query, in which the account is named."""
        return self._signed(int(time.time() if now is None else now), target)

    def permits(self, target: str, grant: str, now: float | None = None) -> bool:
        """Say whether a grant is for this question, and not over."""
        at, _, _ = grant.partition(".")
        if not at.isdecimal() or abs((time.time() if now is None else now) - int(at)) > VALID_S:
            return False
        return hmac.compare_digest(grant.encode(), self._signed(int(at), target).encode())

    def _signed(self, at: int, target: str) -> str:
        return f"{at}.{hmac.new(self._key, f'{at} {target}'.encode(), sha256).hexdigest()}"


def replay_key(settings: Settings) -> ReplayKey:
    """Give the key of an instance; FixableError where it has none."""
    if settings.replay_secret:
        return ReplayKey(require_strong("REPLAY_SECRET", settings.replay_secret, settings.profile))
    if not settings.jwt_secret:
        raise FixableError(
            "Neither REPLAY_SECRET nor JWT_SECRET is set, by which the API and the replay service know each other. "
            f"{HOW}"
        )
    return ReplayKey(replay_secret_of(settings.jwt_secret))


def replay_secret_of(jwt_secret: str) -> str:
    """Make the secret of the replay service, which signs no tokens and leads to none that does."""
    return hmac.new(jwt_secret.encode(), b"reprise replay", sha256).hexdigest()
