"""Which routes the API has, and what its OpenAPI document says beside them."""

from html import escape
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse

from reprise.api import errors
from reprise.api.access_log import AccessLog
from reprise.api.account.endpoints import router as account
from reprise.api.auth.caller import allowed_origins
from reprise.api.auth.endpoints import router as auth
from reprise.api.auth.schemas import LoginRequest
from reprise.api.body_limit import BodyLimit
from reprise.api.candles.endpoints import router as candles
from reprise.api.commands.endpoints import router as commands
from reprise.api.demo.endpoints import router as demo
from reprise.api.fills.endpoints import router as fills
from reprise.api.health.endpoints import router as health
from reprise.api.instruments.endpoints import router as instruments
from reprise.api.ledger.endpoints import router as ledger
from reprise.api.orders.endpoints import router as orders
from reprise.api.parts import Parts
from reprise.api.positions.endpoints import router as positions
from reprise.api.problems import DOCS, REGISTRY, Problem
from reprise.api.progress import HEADER, LAG_HEADER
from reprise.api.receipts.endpoints import router as receipts
from reprise.api.tickers.endpoints import router as tickers

PREFIX: Final = "/api/v1"
EVERYWHERE: Final = (auth, instruments, tickers, candles, orders, positions, account, fills, ledger, commands, receipts)
DESCRIPTION: Final = """A leveraged exchange whose whole ledger can be replayed from a Kafka log.

Money, prices and quantities are decimal strings. Errors are RFC 9457 problems whose `code` is listed at /docs/problems.
Send an `Idempotency-Key` with what must happen once; 202 means undecided: look at `Location`."""


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
    v1 = APIRouter(prefix=PREFIX)
    for router in EVERYWHERE:
        v1.include_router(router)
    if parts.settings.profile == "demo":
        v1.include_router(demo)
    app.include_router(v1)
    app.include_router(health)
    app.add_api_route("/", _to_docs, include_in_schema=False)
    app.add_api_route(DOCS, _problems_page, include_in_schema=False)
    errors.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=allowed_origins(parts),
        allow_credentials=True,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer", HEADER],
        expose_headers=[HEADER, LAG_HEADER, "Location", "Idempotent-Replayed", "Retry-After"],
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(AccessLog, metrics=parts.metrics)
    _document(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: it changes only when somebody means it."""
    return route.name


def _document(app: FastAPI) -> None:
    """Add what the routes only refer to: the problem's shape, and the login's JSON body."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = made["components"]["schemas"]
            for model in (Problem, LoginRequest):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {})
                schemas[model.__name__] = schema
            schemas["Problem"]["properties"]["code"]["enum"] = list(REGISTRY)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document.


async def _to_docs() -> RedirectResponse:
    return RedirectResponse("/docs")


async def _problems_page() -> HTMLResponse:
    rows = "".join(
        f'<tr id="{kind.code}"><td><code>{kind.code}</code><td>{kind.status}<td>{escape(kind.title)}</tr>'
        for kind in REGISTRY.values()
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><title>Reprise: problems</title>"
        f"<table><tr><th>Code<th>Status<th>Meaning</tr>{rows}</table></html>"
    )
