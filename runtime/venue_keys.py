"""What a user's keys of the outside venue are, and how they are sealed for that user alone."""

import json
from uuid import UUID

from runtime.vault import Vault


class VenueKeys:
    """An API key and its secret. It has no text form, so that no log or traceback shows one."""

    __slots__ = ("api_key", "secret")

    def __init__(self, api_key: str, secret: str) -> None:
        self.api_key = api_key
        self.secret = secret

    def __repr__(self) -> str:
        return "VenueKeys(…)"


def seal_keys(vault: Vault, user_id: UUID, key_id: UUID, keys: VenueKeys) -> bytes:
    """Encrypt the keys; they open only under the same user and key id."""
    return vault.seal(json.dumps([keys.api_key, keys.secret]).encode(), str(key_id), str(user_id))


def open_keys(vault: Vault, user_id: UUID, key_id: UUID, sealed: bytes) -> VenueKeys:
    """Decrypt the keys, or raise NotReadable."""
    api_key, secret = json.loads(vault.open(sealed, str(key_id), str(user_id)))
    return VenueKeys(api_key, secret)
