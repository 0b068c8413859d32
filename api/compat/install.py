"""Which routes the seeds' interfaces have, and the OpenAPI document of their own."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.app_state import AppState
from api.commands.schemas import CommandReply
from api.compat import seed_000, seed_001, seed_001_engine, seed_001_user, seed_002, seed_003, seed_004, shared
from api.compat.spot_stream import SpotStream
from api.compat.venue_prices import VenuePrices
from api.http import documents
from api.http.problems import REGISTRY, Problem
from api.http.published import publish, shapes_of

DOCUMENT: Final = "/api/compat/openapi.json"
DESCRIPTION: Final = """What clients written for one of five older systems send and expect, on the same ledger.

Numbers are JSON numbers here. An error is the problem document of the API proper with the older members beside it."""
# Where two seeds have a shape of one name, the document has named both by the module they stood in at first.
PUBLISHED: Final = {
    "Seed000CloseRequest": "reprise__api__compat__seed_000__CloseRequest",
    "Seed000Closed": "reprise__api__compat__seed_000__Closed",
    "Seed002OrderRequest": "reprise__api__compat__seed_002__OrderRequest",
    "Seed003OrderRequest": "reprise__api__compat__seed_003__OrderRequest",
    "Seed004CloseRequest": "reprise__api__compat__seed_004__CloseRequest",
    "Seed004Closed": "reprise__api__compat__seed_004__Closed",
}
ROUTERS: Final = (
    *(shared.router, seed_000.router, seed_001.router, seed_001_engine.router, seed_001.klines),
    *(seed_001_user.router, seed_002.router, seed_003.router, seed_004.router),
)


def add_seeds_to(app: FastAPI, state: AppState) -> None:
    """Serve them; called before the canonical routes, of which one path is theirs too where `asset=` is asked."""
    app.state.spot_stream = SpotStream(state, app.state.sockets.admission)
    app.state.venue_prices = VenuePrices(state.settings.binance_api_url)
    routers = APIRouter(generate_unique_id_function=_operation_id)
    for router in ROUTERS:
        routers.include_router(router)
    app.include_router(routers, include_in_schema=False)
    app.add_api_websocket_route("/", seed_002.serve_websocket)
    documents.serve(app, DOCUMENT, lambda: _document(routers))


def _operation_id(route: APIRoute) -> str:
    return route.name


def _document(routers: APIRouter) -> dict[str, Any]:
    made = get_openapi(
        title="Reprise: the seeds' interfaces",
        version=version("reprise"),
        description=DESCRIPTION,
        routes=routers.routes,
    )
    publish(made, PUBLISHED)
    schemas = made["components"]["schemas"]
    for model in (Problem, CommandReply):
        schemas |= shapes_of(model)
    schemas["Problem"]["properties"]["code"]["enum"] = list(REGISTRY)
    return made
