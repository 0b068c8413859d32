"""Which secrets an instance uses, and how the demo profile gets its own."""

import base64
import hmac
import secrets
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final

from runtime.errors import FixableError, Mistakes
from runtime.secret_strength import is_short, require_strong
from runtime.settings import Settings
from runtime.vault import key_of
from stack.instance import InstanceFolder, write_private

SECRET_BYTES: Final = 32


def secrets_of(folder: InstanceFolder, settings: Settings) -> dict[str, str]:
    """The secrets of an instance, as settings: what is set, else in the demo profile the instance's own."""
    mistakes = secret_mistakes(settings)
    if mistakes:
        raise Mistakes(mistakes)
    stored = {} if settings.profile == "production" else _stored_secrets(folder)
    long = with_long_secrets(folder, settings)
    jwt_secret = long.jwt_secret or stored["JWT_SECRET"]
    return {
        "JWT_SECRET": jwt_secret,
        "JWT_SECRETS_RETIRED": ",".join(long.jwt_secrets_retired),
        "ENCRYPTION_KEY": settings.encryption_key or stored["ENCRYPTION_KEY"],
        "REPLAY_SECRET": settings.replay_secret or "",
    }


def secret_mistakes(settings: Settings) -> dict[str, str]:
    """What is wrong with the secrets, by the name of each; they are never shown."""
    mistakes: dict[str, str] = {}
    is_production = settings.profile == "production"
    given = {"JWT_SECRET": settings.jwt_secret, "ENCRYPTION_KEY": settings.encryption_key}
    missing = [name for name, value in given.items() if not value]
    if is_production and missing:
        said = f"The production profile makes up no secrets: set {' and '.join(missing)}."
        mistakes |= dict.fromkeys(missing[:1], said)
    checks: list[tuple[str, Callable[[], object]]] = []
    if is_production:
        signing = _signing_secrets(settings)
        checks += [(name, partial(require_strong, name, secret, settings.profile)) for name, secret in signing]
    if settings.encryption_key:
        checks.append(("ENCRYPTION_KEY", partial(key_of, settings)))
    for name, check in checks:
        try:
            check()
        except FixableError as error:
            mistakes.setdefault(name, str(error))
    return mistakes


def with_long_secrets(folder: InstanceFolder, settings: Settings) -> Settings:
    """The settings with each short secret that signs tokens, as of a README, made long; only the demo profile does."""
    if settings.profile != "demo" or not any(is_short(secret) for _, secret in _signing_secrets(settings)):
        return settings
    own = _stored_secrets(folder)["JWT_SECRET"]
    return settings.model_copy(
        update={
            "jwt_secret": settings.jwt_secret and _lengthened(settings.jwt_secret, own),
            "auth_jwt_secret": None,
            "jwt_secrets_retired": tuple(_lengthened(secret, own) for secret in settings.jwt_secrets_retired),
        }
    )


def short_secret_notices(settings: Settings) -> list[str]:
    """What to say of secrets that are lengthened; the secrets themselves are never shown."""
    return [
        f"{name} has {len(secret.encode())} bytes: tokens are signed with {SECRET_BYTES} made from it and a secret of "
        "the data folder. The production profile refuses it."
        for name, secret in _signing_secrets(settings)
        if settings.profile == "demo" and is_short(secret)
    ]


def _signing_secrets(settings: Settings) -> list[tuple[str, str]]:
    """The secrets that sign tokens, or did, each under the name it was given by."""
    name = "AUTH_JWT_SECRET" if settings.jwt_secret == settings.auth_jwt_secret else "JWT_SECRET"
    now = [(name, settings.jwt_secret)] if settings.jwt_secret else []
    return now + [("JWT_SECRETS_RETIRED", secret) for secret in settings.jwt_secrets_retired]


def _lengthened(secret: str, own: str) -> str:
    """The same for the same folder, so that sessions outlive a restart; not to be guessed from the secret alone."""
    return hmac.new(own.encode(), f"signs tokens:{secret}".encode(), sha256).hexdigest() if is_short(secret) else secret


def _stored_secrets(folder: InstanceFolder) -> dict[str, str]:
    """The instance's own, made on its first start: sessions and stored keys outlive a restart."""
    folder.make()
    stored: dict[str, str] = {}
    if folder.secrets.exists():
        lines = folder.secrets.read_text(encoding="utf-8").splitlines()
        stored = dict(line.split("=", 1) for line in lines if "=" in line)
    made = {
        "JWT_SECRET": secrets.token_urlsafe(SECRET_BYTES),
        "ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
    }
    whole = made | stored
    if whole != stored:
        write_private(folder.secrets, "".join(f"{name}={value}\n" for name, value in whole.items()).encode())
    return whole
