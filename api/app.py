"""Which routes the API has, in which order, and behind which middleware."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp

from api import document
from api.accounts.endpoints import account, fills, history, ledger
from api.admin.endpoints import router as admin
from api.alerts.endpoints import router as alerts
from api.api_keys.endpoints import router as api_keys
from api.app_state import AppState
from api.auth.cross_site import allowed_origins
from api.auth.limiting import BY_ACCOUNT, BY_ADDRESS, RateLimitHeaders
from api.candles.endpoints import router as candles
from api.commands.endpoints import router as commands
from api.compat.cors import SeedsCors
from api.compat.install import add_seeds_to
from api.credentials.signatures import (
    KEY_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WINDOW_HEADER,
)
from api.demo.endpoints import router as demo
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.read_your_writes import LAG_HEADER, POSITION_HEADER
from api.health.endpoints import for_administrators as metrics
from api.health.endpoints import for_operators as operators
from api.health.endpoints import router as health
from api.http import api_pages, documents, errors
from api.http.access_log import AccessLog
from api.http.body_limit import BodyLimit
from api.http.head import HeadAsGet
from api.http.no_body import NO_BODY
from api.http.problem_pages import as_html
from api.http.problems import DOCS, REPLAYED
from api.http.rate_limits import POLICY, RATE_LIMIT
from api.instruments.endpoints import router as instruments
from api.orders.endpoints import router as orders
from api.positions.endpoints import router as positions
from api.positions.versions import ETAG
from api.receipts.endpoints import router as receipts
from api.replay.endpoints import router as replay
from api.rules.endpoints import router as rules
from api.screen import pages
from api.screen.files import ScreenFiles
from api.statements.endpoints import router as statements
from api.stream.endpoints import router as stream
from api.stream.endpoints import serve_websocket
from api.stream.sockets import Sockets
from api.tickers.endpoints import router as tickers
from api.transfers.endpoints import admin as transfers
from api.transfers.endpoints import withdrawals
from api.users.endpoints import router as auth
from api.users.opening import OPENED
from api.venue.endpoints import router as venue_keys
from api.venue.endpoints import venue
from runtime.http_headers import SecurityHeaders
from runtime.settings import Settings

PREFIX: Final = "/api/v1"
# Routes are tried one by one, so those of an order's life come first, before the seeds' too.
OFTEN: Final = (orders, positions, account)
EVERYWHERE: Final = (
    *(auth, api_keys, instruments, tickers, candles),
    *(fills, ledger, statements, history, replay, commands, receipts),
    *(alerts, rules, admin, transfers, withdrawals, stream, venue_keys, venue),
)
# Whoever sends to these need not be anybody yet, so their requests are counted by address.
BY_ANYONE: Final = (auth, instruments, tickers, candles)
CORS: Final[dict[str, Any]] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Prefer", "X-Requested-With"),
        *(POSITION_HEADER, KEY_HEADER, TIMESTAMP_HEADER, WINDOW_HEADER, NONCE_HEADER, SIGNATURE_HEADER),
    ],
    "expose_headers": [
        *(POSITION_HEADER, LAG_HEADER, REPLAYED, ETAG, RATE_LIMIT, POLICY),
        *("Location", "Preference-Applied", "Retry-After", "Content-Disposition"),
    ],
}
DESCRIPTION: Final = """A leveraged exchange whose whole ledger can be replayed from a Kafka log.

Money, prices and quantities are decimal strings. Errors are RFC 9457 problems whose `code` is listed at /docs/problems.
Send an `Idempotency-Key` with what must happen once; 202 means undecided: look at `Location`.
`/api/v1/ws` is a WebSocket; what is said over it are the schemas `WsFromClient` and `WsFromServer`."""


def create_app(state: AppState) -> FastAPI:
    """Put the routes together, around the state they use."""
    app = FastAPI(
        title="Reprise",
        version=version("reprise"),
        description=DESCRIPTION,
        generate_unique_id_function=_operation_id,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Each request would look in the environment for who collects traces; the API has its own log and metrics.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # A redirect would name a scheme and a host, and both are only what the client said they are.
        redirect_slashes=False,
    )
    app.state.api = state
    app.state.dispatcher = Dispatcher(state)
    app.state.sockets = Sockets(state, app.state.dispatcher)
    for router in OFTEN:
        opens = [OPENED] if router is account else []
        app.include_router(router, prefix=PREFIX, dependencies=[BY_ACCOUNT, NO_BODY, *opens])
    v1 = APIRouter(prefix=PREFIX)
    for router in EVERYWHERE:
        v1.include_router(router, dependencies=[BY_ADDRESS if router in BY_ANYONE else BY_ACCOUNT, NO_BODY])
    if state.settings.profile == "demo":
        v1.include_router(demo, dependencies=[BY_ACCOUNT, NO_BODY])
        add_seeds_to(app, state)
    app.include_router(v1)
    app.add_api_websocket_route(f"{PREFIX}/ws", serve_websocket)
    app.include_router(health)
    app.include_router(metrics)
    pages.install(app, ScreenFiles(profile=state.settings.profile))
    api_pages.install(app)
    app.add_api_route(DOCS, _problems_page, include_in_schema=False)
    errors.install(app)
    # From the inside outwards: whatever is answered, by a layer too, has the headers of those around it.
    app.add_middleware(ServerErrorMiddleware, handler=errors.unexpected)
    app.add_middleware(BodyLimit)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(with_cors, settings=state.settings)
    app.add_middleware(AccessLog, metrics=state.metrics)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(HeadAsGet)
    document.install(app)
    documents.serve(app, api_pages.OPENAPI, app.openapi)
    return app


def with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Wrap an application whose answers pages may read: those of allowed origins, at some routes of the seeds any."""
    origins = allowed_origins(settings)
    if settings.profile == "demo":
        return SeedsCors(app, allow_origins=origins, **CORS)
    return CORSMiddleware(app, allow_origins=origins, allow_credentials=True, **CORS)


def create_pages(state: AppState) -> FastAPI:
    """Put together what those who run the API ask it for, on a port of its own."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.api = state
    app.include_router(health)
    app.include_router(operators)
    app.add_middleware(HeadAsGet)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: it changes only when somebody means it."""
    return route.name


async def _problems_page() -> HTMLResponse:
    return HTMLResponse(as_html())
