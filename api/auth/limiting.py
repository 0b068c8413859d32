"""How a request is counted against its account or address, and how its reply shows what is left."""

from typing import Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app_state import AppState, StateDep
from api.auth.caller import READING, Caller, address_of
from api.auth.cross_site import SAFE_METHODS
from api.http.rate_limits import BUCKET_STATE, Bucket


class RateLimitHeaders:
    """Wraps the application; every reply has headers with what is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            standing = scope.get("state", {}).get(BUCKET_STATE)
            if message["type"] == "http.response.start" and standing is not None:
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        await self._app(scope, receive, with_headers)


def bucket_of(method: str, path: str) -> Bucket:
    """Say which bucket a signed-in request is taken from: what ends a position or an order never waits for the rest."""
    if method in SAFE_METHODS or path in READING:
        return "reads"
    state = path.split("/")
    is_cancel = method == "DELETE" and "orders" in state
    return "closing" if is_cancel or "close" in state or "close-all" in state else "orders"


async def limit_account(request: Request, state: StateDep, caller: Caller) -> None:
    """Count a signed-in request against its account."""
    take(request, state, bucket_of(request.method, request.url.path), caller.account_id)


async def limit_address(request: Request, state: StateDep) -> None:
    """Count a request of anyone's against the address it came from."""
    take(request, state, "public", address_of(request))


async def limit_registration(request: Request, state: StateDep) -> None:
    """Count the making of a user against the address it is made from, besides all else that this sends."""
    take(request, state, "registrations", address_of(request))


def take(request: Request, state: AppState, bucket: Bucket, who: str) -> None:
    """Count a request whose bucket its body decides, or whose sender is nobody in particular."""
    state.rate_limits.count(request, bucket, who)


def is_limited(route: RouteContext) -> bool:
    """Say whether a route counts its requests before it reads their bodies."""
    dependant = getattr(route, "dependant", None)
    return isinstance(dependant, Dependant) and _counts(dependant)


def _counts(dependant: Dependant) -> bool:
    return dependant.call in (limit_account, limit_address) or any(map(_counts, dependant.dependencies))


BY_ACCOUNT: Final = Depends(limit_account)
BY_ADDRESS: Final = Depends(limit_address)
REGISTERS: Final = Depends(limit_registration)
