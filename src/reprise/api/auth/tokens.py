"""What an access token says, and which tokens are believed."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import jwt

from reprise.api.problems import TOKEN_EXPIRED, TOKEN_INVALID, ApiError

ALGORITHM: Final = "HS256"
ISSUER: Final = "reprise"
AUDIENCE: Final = "reprise-api"
LIFETIME: Final = timedelta(minutes=15)
SECRET_BYTES_MIN: Final = 32


class Claims(NamedTuple):
    """Whose token it is, and of which session."""

    user_id: UUID
    session_id: UUID


class Tokens:
    """Signs and reads access tokens under one secret; the key's id tells it from the one before."""

    def __init__(self, secret: str) -> None:
        assert len(secret.encode()) >= SECRET_BYTES_MIN, "checked where settings are read"
        self._secret = secret
        self._key_id = sha256(b"reprise/kid/" + secret.encode()).hexdigest()[:16]

    def issue(self, claims: Claims, now: datetime) -> str:
        """Sign a token that is good for fifteen minutes."""
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "jti": str(claims.session_id),
            "typ": "access",
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> Claims:
        """Give what a token of ours says, or refuse it."""
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                raise ApiError(TOKEN_INVALID)
            payload = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["iss", "aud", "sub", "jti", "iat", "exp"]},
            )
            if payload.get("typ") != "access":
                raise ApiError(TOKEN_INVALID)
            return Claims(UUID(payload["sub"]), UUID(payload["jti"]))
        except jwt.ExpiredSignatureError as error:
            raise ApiError(TOKEN_EXPIRED) from error
        except (jwt.InvalidTokenError, ValueError, AttributeError, TypeError) as error:
            # The reason stays here: a forger learns nothing from it.
            raise ApiError(TOKEN_INVALID) from error


def now() -> datetime:
    """The wall clock, to the second, as tokens count it."""
    return datetime.now(UTC).replace(microsecond=0)
