"""How large a request's body may be."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import BODY_TOO_LARGE, ApiError
from api.http.seed_clients import problem_to
from api.http.sentences import Details

BODY_MAX: Final = 64 * 1024


def too_large(sent: str | None = None) -> tuple[str, Details]:
    """Say how large a body may be, and how large this one said it is, where it did."""
    known: Details = {} if sent is None else {"bytes_sent": int(sent)}
    is_larger = "The body has more" if sent is None else f"The body has {sent} bytes, more"
    return f"{is_larger} than the {BODY_MAX} bytes there may be", {"bytes_max": BODY_MAX} | known


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
            detail, details = too_large(declared.decode("latin-1"))
            await problem_to(scope, ApiError(BODY_TOO_LARGE, detail, details=details))(scope, receive, send)
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
