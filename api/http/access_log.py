"""What is noted about each request: never a query string, a header or a body."""

from time import perf_counter
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.head import method_of
from api.http.metrics import ApiMetrics

QUIET: Final = ("/healthz", "/readyz", "/metrics")
UNMATCHED: Final = "unmatched"

log = structlog.get_logger()


class AccessLog:
    """Wraps the application; counts by route, not by path, so that ids make no new series."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = perf_counter() - started
            note_request(self._metrics, method_of(scope), _route_of(scope), status, seconds)


def note_request(metrics: ApiMetrics, method: str, route: str, status: int, seconds: float) -> None:
    """Count one request, of whatever protocol, and log it."""
    metrics.requests.labels(method, route, str(status)).observe(seconds)
    if route not in QUIET:
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _route_of(scope: Scope) -> str:
    """The path with its parameters' names in place of their values, however much of the path a value takes."""
    route = scope.get("route")
    if route is None:
        return UNMATCHED
    # A route knows its own part of the path, which is the end of it.
    template, values = str(route.path_format), scope.get("path_params", {})
    own = template.format(**values)
    return f"{scope['path'].removesuffix(own)}{template}" if scope["path"].endswith(own) else UNMATCHED
