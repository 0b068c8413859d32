"""How a request is counted against its account or address, and what its reply says is left."""

from typing import Any, Final

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reprise.api.auth.caller import SAFE_METHODS, Caller
from reprise.api.parts import Api, Parts
from reprise.api.problems import RATE_LIMITED, ApiError
from reprise.api.rate_limits import Bucket

STANDING: Final = "rate_limit"  # what a request's state calls it


class RateLimitHeaders:
    """Wraps the application; whatever is answered says what is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def saying(message: Message) -> None:
            standing = scope.get("state", {}).get(STANDING)
            if message["type"] == "http.response.start" and standing is not None:
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        await self._app(scope, receive, saying)


def bucket_of(method: str, path: str) -> Bucket:
    """Say which bucket a signed-in request is taken from: what ends a position or an order never waits for the rest."""
    if method in SAFE_METHODS:
        return "reads"
    parts = path.split("/")
    is_cancel = method == "DELETE" and "orders" in parts
    return "closing" if is_cancel or "close" in parts or "close-all" in parts else "orders"


async def limit_account(request: Request, parts: Api, caller: Caller) -> None:
    """Count a signed-in request against its account."""
    take(request, parts, bucket_of(request.method, request.url.path), caller.account_id)


async def limit_address(request: Request, parts: Api) -> None:
    """Count a request of anyone's against the address it came from."""
    take(request, parts, "public", request.client.host if request.client is not None else "")


def take(request: Request, parts: Parts, bucket: Bucket, who: str) -> None:
    standing = parts.rate_limits.take(bucket, who)
    setattr(request.state, STANDING, standing)
    if not standing.allowed:
        named: dict[str, Any] = {"violated-policies": [bucket]}
        raise ApiError(
            RATE_LIMITED,
            f"At most {standing.quota} requests in {standing.window_s} s",
            headers={"Retry-After": str(standing.reset_s)},
            **named,
        )


BY_ACCOUNT: Final = Depends(limit_account)
BY_ADDRESS: Final = Depends(limit_address)
