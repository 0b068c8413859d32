"""Which routes the API has, and what its OpenAPI document says beside them."""

from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse

from reprise.api import document, errors
from reprise.api.access_log import AccessLog
from reprise.api.account.endpoints import router as account
from reprise.api.admin.endpoints import router as admin
from reprise.api.alerts.endpoints import router as alerts
from reprise.api.api_keys.endpoints import router as api_keys
from reprise.api.auth.caller import allowed_origins
from reprise.api.auth.endpoints import router as auth
from reprise.api.body_limit import BodyLimit
from reprise.api.candles.endpoints import router as candles
from reprise.api.commands.endpoints import router as commands
from reprise.api.compat.install import add_seeds_to
from reprise.api.demo.endpoints import router as demo
from reprise.api.fills.endpoints import router as fills
from reprise.api.health.endpoints import router as health
from reprise.api.history.endpoints import router as history
from reprise.api.instruments.endpoints import router as instruments
from reprise.api.ledger.endpoints import router as ledger
from reprise.api.limiting import BY_ACCOUNT, BY_ADDRESS, RateLimitHeaders
from reprise.api.orders.endpoints import router as orders
from reprise.api.parts import Parts
from reprise.api.positions.endpoints import router as positions
from reprise.api.positions.versions import ETAG
from reprise.api.problem_pages import as_html
from reprise.api.problems import DOCS, REPLAYED
from reprise.api.progress import HEADER, LAG_HEADER
from reprise.api.rate_limits import POLICY, RATE_LIMIT
from reprise.api.receipts.endpoints import router as receipts
from reprise.api.rules.endpoints import router as rules
from reprise.api.statements.endpoints import router as statements
from reprise.api.stream.endpoints import router as stream
from reprise.api.stream.endpoints import talk
from reprise.api.stream.sockets import Sockets
from reprise.api.tickers.endpoints import router as tickers
from reprise.api.venue.endpoints import router as venue_keys

PREFIX: Final = "/api/v1"
EVERYWHERE: Final = (
    *(auth, api_keys, instruments, tickers, candles),
    *(orders, positions, account, fills, ledger, statements, history, commands, receipts),
    *(alerts, rules, admin, stream, venue_keys),
)
# Whoever sends to these need not be anybody yet, so their requests are counted by address.
BY_ANYONE: Final = (auth, instruments, tickers, candles)
DESCRIPTION: Final = """A leveraged exchange whose whole ledger can be replayed from a Kafka log.

Money, prices and quantities are decimal strings. Errors are RFC 9457 problems whose `code` is listed at /docs/problems.
Send an `Idempotency-Key` with what must happen once; 202 means undecided: look at `Location`.
`/api/v1/ws` is a WebSocket; what is said over it are the schemas `WsFromClient` and `WsFromServer`."""


def create_app(parts: Parts) -> FastAPI:
    """Put the routes together, around the parts they use."""
    app = FastAPI(
        title="Reprise",
        version=version("reprise"),
        description=DESCRIPTION,
        generate_unique_id_function=_operation_id,
        redoc_url=None,
    )
    app.state.parts = parts
    app.state.sockets = Sockets(parts)
    v1 = APIRouter(prefix=PREFIX)
    for router in EVERYWHERE:
        v1.include_router(router, dependencies=[BY_ADDRESS if router in BY_ANYONE else BY_ACCOUNT])
    if parts.settings.profile == "demo":
        v1.include_router(demo, dependencies=[BY_ACCOUNT])
        add_seeds_to(app, parts)
    app.include_router(v1)
    app.add_api_websocket_route(f"{PREFIX}/ws", talk)
    app.include_router(health)
    app.add_api_route("/", _to_docs, include_in_schema=False)
    app.add_api_route(DOCS, _problems_page, include_in_schema=False)
    errors.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=allowed_origins(parts),
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Prefer", HEADER],
        expose_headers=[
            *(HEADER, LAG_HEADER, REPLAYED, ETAG, RATE_LIMIT, POLICY),
            *("Location", "Preference-Applied", "Retry-After", "Content-Disposition"),
        ],
    )
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(BodyLimit)
    app.add_middleware(AccessLog, metrics=parts.metrics)
    document.install(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: it changes only when somebody means it."""
    return route.name


async def _to_docs() -> RedirectResponse:
    return RedirectResponse("/docs")


async def _problems_page() -> HTMLResponse:
    return HTMLResponse(as_html())
