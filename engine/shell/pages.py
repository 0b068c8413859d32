"""Which pages the engine serves over HTTP, through Faust."""

from faust import App, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from engine.shell.status import show_recovery, status, why_not_ready
from engine.shell.worker import EngineWorker


def add_pages(app: App, worker: EngineWorker) -> None:
    """Serve /healthz, /readyz, /metrics and /status: from the event loop, so that they say whether it turns."""

    @app.page("/healthz")
    async def healthz(self: web.View, _request: web.Request) -> web.Response:
        return self.json({"alive": True})

    @app.page("/readyz")
    async def readyz(self: web.View, _request: web.Request) -> web.Response:
        why = why_not_ready(worker)
        return self.json({"ready": why is None, "why": why}, status=200 if why is None else 503)

    @app.page("/status")
    async def status_(self: web.View, _request: web.Request) -> web.Response:
        return self.json(status(worker))

    @app.page("/metrics")
    async def metrics(self: web.View, _request: web.Request) -> web.Response:
        show_recovery(worker)
        answer = self.bytes(generate_latest(worker.metrics.registry))
        answer.headers["Content-Type"] = CONTENT_TYPE_LATEST
        return answer
