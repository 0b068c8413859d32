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

FIRST_LINE: Final = "REPRISE-ED25519-2"
OLDER_FIRST_LINE: Final = "REPRISE-ED25519-1"  # It left the options unsigned, and is believed no more.
# What a request may say beside its path, query and body that changes what is done.
OPTIONS: Final = ("Idempotency-Key", "If-Match", "Prefer")
NO_OPTIONS: Final = ("", "", "")
WINDOW_MS: Final = 5_000
WINDOW_MAX_MS: Final = 60_000
AHEAD_MAX_MS: Final = 1_000  # by which a client's clock may be fast
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_PRIME: Final = 2**255 - 19  # of the field of Curve25519
_OF_ORDER_8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# The y of each point whose order divides 8: under such a key others than its owner can make signatures.
_OF_SMALL_ORDER: Final = frozenset({0, 1, _PRIME - 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8})
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
            SIGNATURE_INVALID,
            f"{TIMESTAMP_HEADER} is {now_ms - signature.timestamp} ms ago by the server's clock; it is the time in "
            "milliseconds since 1970",
        )


async def check_request(request: Request, signature: Signature, public_key: bytes) -> None:
    """Refuse a request that the key did not sign as it is: path and query as they were sent, and its options."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    method, key_id, body = method_of(request.scope), str(request.headers[KEY_HEADER]), await request.body()
    text = text_to_sign(key_id, signature, method, path, query, body, options_of(request.headers))
    try:
        check_signature(signature, public_key, text)
    except ApiError as error:
        if _has_signed(public_key, signature, _older_text(key_id, signature, method, path, query, body)):
            detail = f"The text was signed as {OLDER_FIRST_LINE}; sign it as {FIRST_LINE}: see docs/api-keys.md"
            raise ApiError(SIGNATURE_INVALID, detail) from error
        raise


def check_signature(signature: Signature, public_key: bytes, signed: bytes) -> None:
    """Refuse what the key did not sign."""
    if is_of_small_order(public_key):
        raise ApiError(SIGNATURE_INVALID, "The public key is of small order; make another key")
    if not _has_signed(public_key, signature, signed):
        raise ApiError(SIGNATURE_INVALID)


def options_of(headers: Headers) -> tuple[str, ...]:
    """Give a request's options as they are signed: empty where it has none, by commas where it has one repeatedly."""
    return tuple(", ".join(headers.getlist(name)) for name in OPTIONS)


def text_to_sign(
    key_id: str,
    signature: Signature,
    method: str,
    path: bytes,
    query: bytes,
    body: bytes,
    options: tuple[str, ...] = NO_OPTIONS,
) -> bytes:
    """Write the twelve lines."""
    lines = _lines(FIRST_LINE, key_id, signature, method, path, query, body)
    return "\n".join((*lines, *options)).encode("latin-1")


def is_of_small_order(public_key: bytes) -> bool:
    """Say whether a public key is a point of an order that divides 8, however that is encoded."""
    return (int.from_bytes(public_key, "little") & (2**255 - 1)) % _PRIME in _OF_SMALL_ORDER


def read_base64(text: str, size: int) -> bytes:
    """Read base64, of either alphabet, of so many bytes; ValueError where it is not."""
    try:
        value = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise FieldWrong("is not base64") from error
    if len(value) != size:
        raise FieldWrong(f"has {len(value)} bytes, not {size}")
    return value


def _has_signed(public_key: bytes, signature: Signature, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature.signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _older_text(key_id: str, signature: Signature, method: str, path: bytes, query: bytes, body: bytes) -> bytes:
    return "\n".join(_lines(OLDER_FIRST_LINE, key_id, signature, method, path, query, body)).encode("latin-1")


def _lines(
    first: str, key_id: str, signature: Signature, method: str, path: bytes, query: bytes, body: bytes
) -> tuple[str, ...]:
    return (
        first,
        key_id,
        str(signature.timestamp),
        str(signature.window),
        signature.nonce,
        method,
        path.decode("latin-1"),
        query.decode("latin-1"),
        sha256(body).hexdigest(),
    )
