"""How a service without a web framework shows its health, readiness, metrics and status over HTTP."""

import asyncio
import json
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Any, Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.http_server import page_server, serve_pages

JSON_TYPE: Final = "application/json"
PAGES: Final = ("/healthz", "/readyz", "/metrics", "/status")


class Readiness(NamedTuple):
    """Whether the service does its work, and if not, why, as a sentence."""

    ready: bool
    why: str | None


class Pages:
    """The pages of one service, served by a thread of their own from start to stop.

    `readiness` and `status` are called from that thread: they must not block, and read what is safe to read. While
    another process has the port the service does without them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        readiness: Callable[[], Readiness],
        status: Callable[[], Mapping[str, Any]],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.port = port
        self._server = page_server(pages_of(readiness, status, lambda: generate_latest(registry)))
        self._tried = Event()
        self._thread = Thread(
            target=lambda: asyncio.run(serve_pages(self._server, host, port, self._tried.set)),
            name="pages",
            daemon=True,
        )

    def start(self) -> None:
        """Begin; from here on a question is answered, unless another process has the port."""
        self._thread.start()
        self._tried.wait()

    def stop(self) -> None:
        """Only after `start`."""
        self._server.should_exit = True
        self._thread.join(timeout=5)


def pages_of(
    readiness: Callable[[], Readiness], status: Callable[[], Mapping[str, Any]], metrics: Callable[[], bytes]
) -> ASGIApp:
    """Give the application that shows them; metrics: a page in Prometheus' text format."""

    def page(path: str) -> Response:
        match path:
            case "/healthz":
                return _json({"alive": True})
            case "/readyz":
                ready, why = readiness()
                return _json({"ready": ready, "why": why}, 200 if ready else 503)
            case "/metrics":
                return Response(metrics(), media_type=CONTENT_TYPE_LATEST)
            case "/status":
                return _json(status())
            case _:
                return _json({"pages": PAGES}, 404)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = page(request.url.path) if request.method in {"GET", "HEAD"} else _json({"methods": ["GET"]}, 405)
        await response(scope, receive, send)

    return answer


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), status, media_type=JSON_TYPE)
