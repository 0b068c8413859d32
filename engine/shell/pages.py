"""Which pages the engine serves over HTTP, while Faust runs."""

import asyncio

from prometheus_client import generate_latest

from engine.shell.status import show_recovery, status, why_not_ready
from engine.shell.worker import EngineWorker
from runtime.http_server import page_server, serve_pages
from runtime.pages import Readiness, pages_of


class EnginePages:
    """Serves /healthz, /readyz, /metrics and /status from the event loop, so that they say whether it turns."""

    def __init__(self, worker: EngineWorker) -> None:
        self._worker = worker
        self._server = page_server(pages_of(self._readiness, lambda: status(worker), self._metrics))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve, once no other process has the address."""
        settings = self._worker.settings
        self._serving = asyncio.create_task(serve_pages(self._server, settings.engine_host, settings.engine_port))

    async def stop(self) -> None:
        """Answer what was asked, and end."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving

    def _readiness(self) -> Readiness:
        why = why_not_ready(self._worker)
        return Readiness(why is None, why)

    def _metrics(self) -> bytes:
        show_recovery(self._worker)
        return generate_latest(self._worker.metrics.registry)
