"""What a request is refused with before an application sees it: a problem, with the headers of every answer."""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

RETRY_AFTER_S: Final = 5


class HttpRefusal(NamedTuple):
    """What a request is refused with."""

    code: str
    status: int
    title: str


HEAD_TOO_LARGE: Final = HttpRefusal("HEAD_TOO_LARGE", 431, "The request's headers are too large")
REQUEST_TOO_SLOW: Final = HttpRefusal("REQUEST_TOO_SLOW", 408, "The request did not arrive in time")
TOO_MANY_CONNECTIONS: Final = HttpRefusal("TOO_MANY_CONNECTIONS", 503, "There are as many connections as there may be")
NOT_HTTP: Final = HttpRefusal("REQUEST_INVALID", 400, "The request is not valid")

Layer = Callable[[ASGIApp], ASGIApp]
RawHeaders = Sequence[tuple[bytes, bytes]]


class Refusals:
    """Writes refusals of one server. layer: what gives its answers their headers; it waits for nothing."""

    def __init__(self, layer: Layer) -> None:
        self._answer = layer(_answer)

    def bytes_of(self, refusal: HttpRefusal, path: str = "", headers: RawHeaders = ()) -> bytes:
        """Write a refusal; the connection ends with it. path, headers: of the request, as far as they are known."""
        written: list[bytes] = []

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                lines = (b"%b: %b\r\n" % header for header in message["headers"])
                written.extend((STATUS_LINE[message["status"]], *lines, b"\r\n"))
            else:
                written.append(message["body"])

        # The layer would answer a browser's preflight itself, which is not refused then.
        scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "refusal": refusal}
        _run(self._answer, scope, write)
        return b"".join(written)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a refusal, as the RFC 9457 problem it is."""
    del receive
    refusal: HttpRefusal = scope["refusal"]
    body = json.dumps(
        {
            "type": f"/docs/problems#{refusal.code}",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.title,
            "instance": "",
            "code": refusal.code,
        }
    ).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nothing() -> Message:
    raise AssertionError("a refusal reads nothing of its request")


def _run(answer: ASGIApp, scope: Scope, send: Send) -> None:
    """Run to its end, in the caller's step of the loop, what waits for nothing."""
    steps = answer(scope, _nothing, send).__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise AssertionError("a layer of headers waits for nothing")
