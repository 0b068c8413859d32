"""How requests are signed with an API key, so that nothing is sent which somebody who reads it could use again."""

import base64
import hashlib
import secrets
import time
from collections.abc import Generator
from typing import Final, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

FIRST_LINE: Final = "REPRISE-ED25519-2"
OPTIONS: Final = ("Idempotency-Key", "If-Match", "Prefer")  # What they change is signed too.
WINDOW_MS: Final = 5_000
NONCE_BYTES: Final = 16


class ApiKey(httpx.Auth):
    """An API key: its id, and its private half, which is never sent.

    window_ms: how long after its signing a request is good, at most 60,000. Each attempt is signed anew.
    """

    requires_request_body = True

    def __init__(self, key_id: str, private_key: Ed25519PrivateKey, *, window_ms: int = WINDOW_MS) -> None:
        self._key_id = key_id
        self._private_key = private_key
        self._window_ms = window_ms

    @classmethod
    def from_pem(cls, key_id: str, pem: bytes, *, password: bytes | None = None) -> Self:
        """Read the private half from a PEM file's bytes; ValueError where it is no Ed25519 key."""
        private_key = load_pem_private_key(pem, password)
        if not isinstance(private_key, Ed25519PrivateKey):
            raise ValueError(f"an API key is Ed25519, not {type(private_key).__name__}")  # noqa: TRY004  # Bytes say it.
        return cls(key_id, private_key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers that say who sends this request, and when."""
        timestamp, window = str(time.time_ns() // 1_000_000), str(self._window_ms)
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        digest = hashlib.sha256(request.content).hexdigest()
        options = (request.headers.get(name, "").strip() for name in OPTIONS)
        lines = (FIRST_LINE, self._key_id, timestamp, window, nonce, request.method, path, query, digest, *options)
        request.headers.update(
            {
                "X-Api-Key": self._key_id,
                "X-Timestamp": timestamp,
                "X-Window": window,
                "X-Nonce": nonce,
                "X-Signature": base64.b64encode(self._private_key.sign("\n".join(lines).encode())).decode(),
            }
        )
        yield request
