"""How a request to the venue proves whose it is: HMAC-SHA256 over what is sent, percent-encoded first."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote, urlencode


def signed_query(parameters: Mapping[str, str | int], secret: str) -> str:
    """Give a query string with its signature at the end."""
    query = encoded(parameters)
    return f"{query}&signature={signature(query, secret)}"


def encoded(parameters: Mapping[str, str | int]) -> str:
    """Write parameters as a query string, in their order."""
    return urlencode(parameters, quote_via=quote, safe="")


def signature(payload: str, secret: str) -> str:
    """Sign what is sent: query string and body, one behind the other."""
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


def signed_message(parameters: Mapping[str, str | int], secret: str) -> dict[str, str | int]:
    """Sign the parameters of a WebSocket request, which are put in order of their names for it."""
    payload = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return {**parameters, "signature": signature(payload, secret)}
