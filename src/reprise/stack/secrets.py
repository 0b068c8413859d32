"""Which secrets an instance uses, and how the demo profile gets its own."""

import base64
import secrets
from typing import Final

from reprise.runtime.errors import FixableError
from reprise.runtime.settings import Settings
from reprise.runtime.vault import key_bytes
from reprise.stack.instance import Folder, write_private

SECRET_BYTES: Final = 32


def secrets_of(folder: Folder, settings: Settings) -> dict[str, str]:
    """The secrets the services get by their environment: what is set, else in the demo profile the instance's own."""
    if settings.encryption_key:
        key_bytes(settings.encryption_key)  # One of another length is refused, never padded or cut.
    given = {"JWT_SECRET": settings.jwt_secret, "ENCRYPTION_KEY": settings.encryption_key}
    if settings.profile == "production":
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise FixableError(f"The production profile makes up no secrets: set {' and '.join(missing)}.")
    kept = _kept(folder)
    return {name: value or kept[name] for name, value in given.items()}


def _kept(folder: Folder) -> dict[str, str]:
    """The instance's own, made on its first start: sessions and stored keys outlive a restart."""
    kept: dict[str, str] = {}
    if folder.secrets.exists():
        lines = folder.secrets.read_text(encoding="utf-8").splitlines()
        kept = dict(line.split("=", 1) for line in lines if "=" in line)
    made = {
        "JWT_SECRET": secrets.token_urlsafe(SECRET_BYTES),
        "ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
    }
    whole = made | kept
    if whole != kept:
        write_private(folder.secrets, "".join(f"{name}={value}\n" for name, value in whole.items()).encode())
    return whole
