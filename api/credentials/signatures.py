"""What an API key signs of a request, and whether the signature is its own and of now."""

import base64
import binascii
import re
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from starlette.datastructures import Headers

from api.http.head import method_of
from api.http.problems import SIGNATURE_INVALID, ApiError
from api.http.sentences import FieldWrong

KEY_HEADER: Final = "X-Api-Key"
TIMESTAMP_HEADER: Final = "X-Timestamp"
WINDOW_HEADER: Final = "X-Window"
NONCE_HEADER: Final = "X-Nonce"
SIGNATURE_HEADER: Final = "X-Signature"

FIRST_LINE: Final = "REPRISE-ED25519-1"
WINDOW_MS: Final = 5_000
WINDOW_MAX_MS: Final = 60_000
AHEAD_MAX_MS: Final = 1_000  # by which a client's clock may be fast
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


class Signature(NamedTuple):
    """What the headers of a signed request say. Times are in ms; window: how long after its timestamp it is good."""

    key_id: UUID
    timestamp: int
    window: int
    nonce: str
    signature: bytes


def read_signature(headers: Headers) -> Signature:
    """Read the headers of a signed request; refuse what is none."""
    timestamp, window = headers.get(TIMESTAMP_HEADER, ""), headers.get(WINDOW_HEADER, str(WINDOW_MS))
    nonce = headers.get(NONCE_HEADER, "")
    for name, value, pattern in (
        (TIMESTAMP_HEADER, timestamp, _NUMBER),
        (WINDOW_HEADER, window, _NUMBER),
        (NONCE_HEADER, nonce, _NONCE),
    ):
        if not pattern.fullmatch(value):
            raise ApiError(SIGNATURE_INVALID, f"{name} must match {pattern.pattern}")
    if not 0 < int(window) <= WINDOW_MAX_MS:
        raise ApiError(SIGNATURE_INVALID, f"{WINDOW_HEADER} is {window}, and must be 1 to {WINDOW_MAX_MS}")
    try:
        key_id = UUID(headers.get(KEY_HEADER, ""))
        signature = read_base64(headers.get(SIGNATURE_HEADER, ""), SIGNATURE_BYTES)
    except ValueError as error:
        raise ApiError(SIGNATURE_INVALID) from error
    return Signature(key_id, int(timestamp), int(window), nonce, signature)


def check_time(signature: Signature, now_ms: int) -> None:
    """Refuse a request of too long ago, and one of the future."""
    if not -AHEAD_MAX_MS <= now_ms - signature.timestamp <= signature.window:
        raise ApiError(
            SIGNATURE_INVALID, f"{TIMESTAMP_HEADER} is {now_ms - signature.timestamp} ms ago by the server's clock"
        )


def check_signature(signature: Signature, public_key: bytes, signed: bytes) -> None:
    """Refuse what the key did not sign."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature.signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise ApiError(SIGNATURE_INVALID) from error


async def signed_text(request: Request, signature: Signature) -> bytes:
    """Give what must have been signed: nine lines, the path and the query as they were sent."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    method, key_id = method_of(request.scope), str(request.headers[KEY_HEADER])
    return text_to_sign(key_id, signature, method, path, query, await request.body())


def text_to_sign(key_id: str, signature: Signature, method: str, path: bytes, query: bytes, body: bytes) -> bytes:
    """Write the nine lines."""
    lines = (
        FIRST_LINE,
        key_id,
        str(signature.timestamp),
        str(signature.window),
        signature.nonce,
        method,
        path.decode("latin-1"),
        query.decode("latin-1"),
        sha256(body).hexdigest(),
    )
    return "\n".join(lines).encode("latin-1")


def read_base64(text: str, size: int) -> bytes:
    """Read base64, of either alphabet, of so many bytes; ValueError where it is not."""
    try:
        value = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise FieldWrong("is not base64") from error
    if len(value) != size:
        raise FieldWrong(f"has {len(value)} bytes, not {size}")
    return value
