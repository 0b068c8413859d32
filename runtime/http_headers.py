"""What every answer of an HTTP server says to a browser, unless its page says more."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STARTS: Final = ("http.response.start", "websocket.http.response.start")
# An answer is data, never a page of its own; what may be shown as one has a policy that says what it loads.
SECURITY_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_ENCODED: Final = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class SecurityHeaders:
    """Wraps an application: answers that do not have one of these headers get it; what may be kept says so itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] in STARTS:
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in _ENCODED if each[0] not in given)]
            await send(message)

        await self._app(scope, receive, with_headers)
