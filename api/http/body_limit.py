"""How large a request's body may be."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import BODY_TOO_LARGE, ApiError
from api.http.seed_clients import problem_to

BODY_MAX: Final = 64 * 1024


class BodyLimit:
    """Refuses a body that says it is too large, and one that turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > BODY_MAX:
            await problem_to(scope, ApiError(BODY_TOO_LARGE))(scope, receive, send)
            return
        size = 0

        async def counting() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_MAX:
                # FastAPI lets only this kind out of the reading of a body.
                raise HTTPException(BODY_TOO_LARGE.status)
            return message

        await self._app(scope, counting, send)
