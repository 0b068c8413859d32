"""How secrets of users are kept: AES-256-GCM under ENCRYPTION_KEY, bound to whose and which they are."""

import base64
import binascii
import os
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.errors import FixableError
from runtime.secret_strength import looks_like_example
from runtime.settings import Settings

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
BASE64_CHARACTERS: Final = (43, 44)  # of 32 bytes, without and with the sign that fills the last group
MISSING: Final = "ENCRYPTION_KEY is not set, and venue keys are stored under it."
HOW: Final = (
    "Set it to 32 bytes as text: 32 characters, 64 hexadecimal digits, or their base64; "
    "for instance from `openssl rand -hex 32`."
)


class NotReadable(Exception):
    """What was sealed under another key, for somebody else, or altered."""


class Vault:
    """Seals and opens. The associated words are not stored in it; who opens must know them."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, *associated: str) -> bytes:
        """Encrypt under a nonce of its own, which comes first."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, _associated(associated))

    def open(self, sealed: bytes, *associated: str) -> bytes:
        """Decrypt, or raise NotReadable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated(associated))
        except (InvalidTag, ValueError) as error:
            raise NotReadable("sealed under another ENCRYPTION_KEY, for another user or key, or altered") from error


def vault_of(settings: Settings) -> Vault:
    """Make the vault of these settings; FixableError where ENCRYPTION_KEY is missing or not good enough."""
    key = key_of(settings)
    if key is None:
        raise FixableError(f"{MISSING} {HOW}")
    return Vault(key)


def key_of(settings: Settings) -> bytes | None:
    """Give the key, or null where the demo profile has none; FixableError where a service must not start with it.

    One of another length is refused, never padded or cut. In production a missing one is too, and an example.
    """
    text, is_production = settings.encryption_key, settings.profile == "production"
    if not text:
        if is_production:
            raise FixableError(f"{MISSING} {HOW}")
        return None
    key = key_bytes(text)
    # An example may be written in base64 too.
    if is_production and (looks_like_example(text) or looks_like_example(key.decode("latin-1"))):
        raise FixableError(f"ENCRYPTION_KEY looks like an example. {HOW}")
    return key


def key_bytes(text: str) -> bytes:
    """Give the 32 bytes that a text means; FixableError where it means another number of them. It is never shown."""
    if len(text.encode()) == KEY_BYTES:
        return text.encode()
    if re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", text):
        return bytes.fromhex(text)
    if len(text) in BASE64_CHARACTERS:
        try:
            key = base64.b64decode(text.translate(str.maketrans("-_", "+/")).rstrip("=") + "=", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) == KEY_BYTES:
            return key
    raise FixableError(f"ENCRYPTION_KEY has {len(text)} characters, which are not 32 bytes. {HOW}")


def _associated(words: tuple[str, ...]) -> bytes:
    """Each word behind its length, so that no two lists of words give the same bytes."""
    return b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
