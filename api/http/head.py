"""How HEAD is answered wherever GET is: by the same route, with the same headers, without the body."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASKED: Final = "asked_method"  # what a request's scope calls it


def method_of(scope: Scope) -> str:
    """Give the method that the client sent, and signed."""
    method: str = scope.get(_ASKED, scope["method"])
    return method


class HeadAsGet:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET", _ASKED: "HEAD"}, receive, without_body)
