"""How a service answers HTTP: by uvicorn, within bounds, in whatever thread or loop the service has for it."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from runtime.http_bounds import BoundedHttp
from runtime.http_config import ServerConfig
from runtime.http_connections import Connections
from runtime.http_headers import SecurityHeaders
from runtime.http_refusals import Layer

STOP_TIMEOUT_S: Final = 5
HEAD_TIMEOUT_MS: Final = 10_000
BODY_TIMEOUT_MS: Final = 20_000
IDLE_TIMEOUT_S: Final = 5
BACKLOG: Final = 2_048
# A page of a service is for who operates it: its connections are few, and short.
PAGE_CONNECTIONS_MAX: Final = 256
LISTEN_PAUSE_S: Final = 0.5
DESCRIPTORS_KEPT: Final = 512  # for the log, the database and files

_log = structlog.get_logger(__name__)


def server_config(
    app: ASGIApp,
    connections: Connections,
    layer: Layer = SecurityHeaders,
    head_timeout_s: float = HEAD_TIMEOUT_MS / 1000,
    body_timeout_s: float = BODY_TIMEOUT_MS / 1000,
    **options: Any,
) -> ServerConfig:
    """Give uvicorn's settings that are the same for every server of ours, its own ones, and the bounds."""
    same_everywhere: dict[str, Any] = {
        "http": BoundedHttp,
        "ws": "none",
        "access_log": False,
        "log_config": None,
        "lifespan": "off",
        "server_header": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": IDLE_TIMEOUT_S,
        "timeout_graceful_shutdown": STOP_TIMEOUT_S,
    }
    return ServerConfig(app, connections, layer, head_timeout_s, body_timeout_s, **same_everywhere | options)


class Server(uvicorn.Server):
    """Leaves the signals to the service: uvicorn would raise them again, and the process would not exit with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def page_server(app: ASGIApp) -> Server:
    """Give the server of a service's own pages, which no proxy stands before."""
    config = server_config(
        SecurityHeaders(app), Connections(PAGE_CONNECTIONS_MAX, PAGE_CONNECTIONS_MAX), proxy_headers=False
    )
    return Server(config)


def listen(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Listen on an address, alone or with other processes of this user; OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=is_shared)


async def serve_pages(server: Server, host: str, port: int, tried: Callable[[], object] = lambda: None) -> None:
    """Serve until the server is told to exit; while another process has the address, wait for it.

    A page is no reason to stop what the service is for; what it does without is logged once. tried: called when the
    address was asked for, with or without success.
    """
    is_said = False
    while not server.should_exit:
        try:
            place = listen(host, port)
        except OSError as error:
            if not is_said:
                _log.warning("no pages while another process has their port", host=host, port=port, why=error.strerror)
                is_said = True
            tried()
            await asyncio.sleep(LISTEN_PAUSE_S)
        else:
            tried()
            with place:
                await server.serve([place])


def connections_within(wanted: int) -> int:
    """Raise the number of descriptors this process may have, and give how many connections there may be with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + DESCRIPTORS_KEPT
    if soft < needed and soft != resource.RLIM_INFINITY:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - DESCRIPTORS_KEPT))
