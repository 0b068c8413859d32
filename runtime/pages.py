"""How a service without a web framework shows its health, readiness, metrics and status over HTTP."""

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

JSON_TYPE: Final = "application/json"


class Readiness(NamedTuple):
    """Whether the service does its work, and if not, why, as a sentence."""

    ready: bool
    why: str | None


class Pages:
    """The pages of one service, served by a thread of their own from start to stop.

    `readiness` and `status` are called from that thread: they must not block, and read what is safe to read.
    """

    def __init__(
        self,
        host: str,
        port: int,
        readiness: Callable[[], Readiness],
        status: Callable[[], Mapping[str, Any]],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._server = ThreadingHTTPServer((host, port), _request_class(readiness, status, registry))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="pages", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Only after `start`."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _request_class(
    readiness: Callable[[], Readiness], status: Callable[[], Mapping[str, Any]], registry: CollectorRegistry
) -> type[BaseHTTPRequestHandler]:
    def page(path: str) -> tuple[int, str, bytes]:
        match path:
            case "/healthz":
                return 200, JSON_TYPE, _json({"alive": True})
            case "/readyz":
                ready, why = readiness()
                return (200 if ready else 503), JSON_TYPE, _json({"ready": ready, "why": why})
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
            case "/status":
                return 200, JSON_TYPE, _json(status())
            case _:
                return 404, JSON_TYPE, _json({"pages": ["/healthz", "/readyz", "/metrics", "/status"]})

    class PageRequest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:  # The name http.server calls.
            code, content_type, body = page(urlsplit(self.path).path)
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # The base class's name.
            """Say nothing: a page is asked for every second."""

    return PageRequest


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
