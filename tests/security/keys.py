"""Users and their API keys here: what is asked of the exchange is signed with one."""

from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.exchange import Exchange, User
from tests.auth.signing import NO_OPTIONS, Key, public_half, signed

JSON: Final = {"Content-Type": "application/json"}


def new_key(user: User, *scopes: str) -> Key:
    private = Ed25519PrivateKey.generate()
    reply = user.http.post("/api-keys", json={"public_key": public_half(private), "scopes": scopes})
    assert reply.status_code == 201, reply.text
    return Key(reply.json()["id"], private)


def ask(
    exchange: Exchange, key: Key, method: str, path: str, body: bytes = b"", options: Any = NO_OPTIONS
) -> httpx.Response:
    """Send one signed request; path may have a query."""
    where, _, query = path.partition("?")
    headers = signed(key, method, where, query, body, options)
    with httpx.Client(base_url=exchange.url, timeout=20.0) as program:
        return program.request(method, path, content=body, headers=headers | (JSON if body else {}))
