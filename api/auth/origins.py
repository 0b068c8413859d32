"""From where, and with what, somebody signs in: as much as helps them to know it again, and no more."""

import re
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, ip_network
from typing import Final, NamedTuple

from fastapi import Request

from api.app_state import AppState
from api.auth.caller import address_of
from api.credentials.cookies import device_cookie
from api.credentials.hashing_lane import HasLeft, nobody_leaves
from runtime.counted_addresses import parsed

DEVICE_MAX: Final = 60
IPV4_KEPT: Final = 24
IPV6_KEPT: Final = 48
# The first that a User-Agent has is its browser: each also names those it descends from.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[\w.+-]+(?:/[\w.+-]+)?", re.ASCII)


def unlimited(who: str) -> None:
    """Count no login of a caller that is no client."""


class Origin(NamedTuple):
    """Where a request came from. address: what is counted by, and stored as a keyed hash only; network: what is kept.

    device_token: says, by a cookie of an earlier sign-in, that this device has signed in before. has_left: whether its
    client is gone, so that work for it is dropped. count_login: counts a login of somebody; 429 where it is one too
    many.
    """

    address: str
    device: str | None
    network: str | None
    device_token: str | None = None
    has_left: HasLeft = nobody_leaves
    count_login: Callable[[str], None] = unlimited


def origin_of(request: Request) -> Origin:
    """Give where a request came from, and with which program."""
    host = "" if request.client is None else request.client.host
    return Origin(
        address_of(request),
        device_of(request.headers.get("user-agent")),
        network_of(host),
        device_cookie(request),
        request.is_disconnected,
        partial(_count_login, request),
    )


def _count_login(request: Request, who: str) -> None:
    state: AppState = request.app.state.api
    state.rate_limits.count(request, "logins", who)


def device_of(user_agent: str | None) -> str | None:
    """Shorten a User-Agent to its browser and system, or to its first product; null where it says nothing."""
    if user_agent is None:
        return None
    browser = next((name for sign, name in _BROWSERS if f"{sign}/" in user_agent), None)
    if browser is None:
        product = _PRODUCT.match(user_agent)
        return None if product is None else product[0][:DEVICE_MAX]
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    return browser if system is None else f"{browser} on {system}"


def network_of(address: str) -> str | None:
    """Give the network of an address: who shares it is a few hundred people, or a household; null for what is none."""
    found = parsed(address)
    if found is None:
        return None
    kept = IPV4_KEPT if isinstance(found, IPv4Address) else IPV6_KEPT
    return str(ip_network((found, kept), strict=False))
