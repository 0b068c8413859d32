"""How the replay service is built from its settings, served, and stopped."""

import asyncio
import signal
import socket
from threading import Thread

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp

from audit.log.cluster import open_cluster
from audit.log.log_reader import LogUnreadable
from audit.replay.account_fold import price_prefixes
from audit.replay.application import create_service
from audit.replay.last_verdict import kept_verdict
from audit.replay.replays import Replays
from runtime import logging
from runtime.errors import FixableError
from runtime.http_server import Server, listen, page_server
from runtime.replay_grants import HEADER, replay_key
from runtime.settings import Settings
from schemas.codec import codec


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; FixableError where it cannot start."""
    logging.configure("replay", settings.log_level)
    serve(build(settings), settings.replay_host, settings.replay_port)


def build(settings: Settings) -> Starlette:
    """Make the service of an instance: it answers what the API signed, and reads the log alone."""
    key = replay_key(settings)
    replays = Replays(lambda: open_cluster(settings), kept_verdict(settings.data))
    # Whoever asks first does not wait until every schema is compiled and the brokers are found.
    Thread(target=_warm, args=(replays,), daemon=True).start()

    def permitted(request: Request) -> bool:
        return key.permits(target_of(request), request.headers.get(HEADER, ""))

    return create_service(replays, permitted)


def _warm(replays: Replays) -> None:
    codec()
    price_prefixes()
    try:
        replays.log()
    except LogUnreadable as error:
        structlog.get_logger().warning("the log cannot be read yet", why=str(error))


def target_of(request: Request) -> str:
    """Give what of a request is signed: its path and its query."""
    return f"{request.url.path}?{request.url.query}"


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve an application until SIGTERM or SIGINT."""
    try:
        place = listen(host, port)
    except OSError as error:
        raise FixableError(
            f"The replay cannot listen on {host}:{port} ({error.strerror}). Choose another port: REPLAY_PORT of a "
            "service, --port of a command."
        ) from error
    asyncio.run(_until_stopped(page_server(app), place))


async def _until_stopped(server: Server, place: socket.socket) -> None:
    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await server.serve([place])
