"""Requests of tests are signed with an API key here."""

import base64
import secrets
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.datastructures import Headers

from api.credentials.signatures import Signature, options_of, text_to_sign

NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class Key(NamedTuple):
    """A registered key, and the half of it that is never sent."""

    id: str
    private: Ed25519PrivateKey


def public_half(private: Ed25519PrivateKey) -> str:
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def headers_of(key: Key, method: str, path: str, query: str = "", body: bytes = b"", **changes: Any) -> dict[str, str]:
    """The headers of a signed request to a canonical route; what `changes` names is signed so."""
    return signed(key, method, f"/api/v1{path}", query, body, **changes)


def signed(
    key: Key,
    method: str,
    path: str,
    query: str = "",
    body: bytes = b"",
    options: Mapping[str, str] = NO_OPTIONS,
    **changes: Any,
) -> dict[str, str]:
    """The headers of a signed request, and the options it has and signs: `Idempotency-Key`, `If-Match`, `Prefer`."""
    now = time.time_ns() // 1_000_000
    said = Signature(uuid4(), now, 5_000, secrets.token_hex(8), b"")._replace(**changes)
    text = text_to_sign(key.id, said, method, path.encode(), query.encode(), body, options_of(Headers(options)))
    return {
        **options,
        "X-Api-Key": key.id,
        "X-Timestamp": str(said.timestamp),
        "X-Window": str(said.window),
        "X-Nonce": said.nonce,
        "X-Signature": base64.b64encode(key.private.sign(text)).decode(),
    }
