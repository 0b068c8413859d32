"""What an access token says, which tokens are believed, and how refresh tokens are made."""

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import jwt
from cachetools import LRUCache

from api.http.problems import TOKEN_EXPIRED, TOKEN_INVALID, ApiError
from runtime.secret_strength import is_short

ALGORITHM: Final = "HS256"
ISSUER: Final = "reprise"
AUDIENCE: Final = "reprise-api"
DEVICES: Final = "reprise-device"  # the audience of tokens of devices, which are no access tokens
LIFETIME: Final = timedelta(minutes=15)
DEVICE_LIFETIME: Final = timedelta(days=365)
READ_MAX: Final = 10_000
LAST_SECOND: Final = 253_402_300_799  # of the year 9999, since 1970


# What a token may be refused with when it is read, whatever it says.
UNREADABLE: Final = (jwt.InvalidTokenError, ValueError, AttributeError, TypeError, ArithmeticError, RecursionError)


class Claims(NamedTuple):
    """Whose token it is, of which session, and until when it is good."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


class Tokens:
    """Signs access tokens under one secret, and believes those of the secrets before it too; `kid` names the secret."""

    def __init__(self, secret: str, *retired: str) -> None:
        assert not any(is_short(one) for one in (secret, *retired)), "checked where they are read"
        self._secret = secret
        self._key_id = key_id(secret)
        self._keys = {key_id(one): one for one in (secret, *retired)}
        # Whoever sends a token sends it with every request; what it says never changes, but for being over.
        self._read: LRUCache[str, Claims] = LRUCache(READ_MAX)

    def issue(self, user_id: UUID, session_id: UUID, begins: datetime, lifetime: timedelta = LIFETIME) -> str:
        """Sign a token of a session; each has an id of its own."""
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "typ": "access",
            "iat": begins,
            "exp": begins + lifetime,
        }
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> Claims:
        """Give what a token of ours says, or refuse it."""
        known = self._read.get(token)
        if known is None:
            known = self._read[token] = self._read_anew(token)
        elif known.expires_at <= datetime.now(UTC):
            raise ApiError(TOKEN_EXPIRED)
        return known

    def _read_anew(self, token: str) -> Claims:
        try:
            payload = self._payload(token, AUDIENCE, "sid")
            if payload.get("typ") != "access":
                raise ApiError(TOKEN_INVALID)
            if not isinstance(payload["exp"], int) or payload["exp"] > LAST_SECOND:
                raise ApiError(TOKEN_INVALID)
            expires_at = datetime.fromtimestamp(payload["exp"], UTC)
            return Claims(UUID(payload["sub"]), UUID(payload["sid"]), expires_at)
        except jwt.ExpiredSignatureError as error:
            raise ApiError(TOKEN_EXPIRED) from error
        except UNREADABLE as error:
            # The reason stays here: a forger learns nothing from it.
            raise ApiError(TOKEN_INVALID) from error

    def issue_device(self, user_id: UUID, begins: datetime) -> str:
        """Sign what says that a device has signed in as a user; it lets nobody in."""
        payload = {
            "iss": ISSUER,
            "aud": DEVICES,
            "sub": str(user_id),
            "jti": str(uuid4()),
            "iat": begins,
            "exp": begins + DEVICE_LIFETIME,
        }
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def device_of(self, token: str | None, user_id: UUID | None) -> str | None:
        """Give the id of a device that has signed in as this user before; null where the token does not say so."""
        if token is None or user_id is None:
            return None
        try:
            payload = self._payload(token, DEVICES)
        except (ApiError, *UNREADABLE):
            return None
        return str(payload["jti"]) if payload["sub"] == str(user_id) else None

    def address_hash(self, user_id: UUID, address: str) -> bytes:
        """Give what is stored of an address a user signed in from."""
        return hmac.digest(b"reprise/address/" + self._secret.encode(), f"{user_id} {address}".encode(), "sha256")

    def name_hash(self, name: str) -> str:
        """Give under what the counts of an email or an address are stored, the same in every process."""
        return hmac.digest(b"reprise/counts/" + self._secret.encode(), name.encode(), "sha256").hex()

    def _payload(self, token: str, audience: str, *required: str) -> dict[str, Any]:
        secret = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
        if secret is None:
            raise ApiError(TOKEN_INVALID)
        payload: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=audience,
            options={"require": ["iss", "aud", "sub", "jti", "iat", "exp", *required]},
        )
        return payload

    def following(self, refresh_token: str) -> str:
        """Give the refresh token that follows one: always the same, so that two tabs that ask at once get one chain."""
        return _text(hmac.digest(b"reprise/refresh/" + self._secret.encode(), refresh_token.encode(), "sha256"))


def new_refresh_token() -> str:
    """Make the first refresh token of a session: 32 random bytes."""
    return _text(secrets.token_bytes(32))


def refresh_hash(refresh_token: str) -> bytes:
    """Give what is stored of a refresh token."""
    return sha256(refresh_token.encode()).digest()


def key_id(secret: str) -> str:
    """Name a secret without telling it."""
    return sha256(b"reprise/kid/" + secret.encode()).hexdigest()[:16]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def now() -> datetime:
    """The wall clock, to the second, as tokens count it."""
    return datetime.now(UTC).replace(microsecond=0)
