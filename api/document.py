"""What the OpenAPI document has beside the routes: the problem's shape, the WebSocket's messages, the rate limits."""

from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from api.auth.limiting import is_limited
from api.http.problems import MEDIA_TYPE, RATE_LIMITED, REGISTRY, UNSUPPORTED_MEDIA_TYPE, Problem, responses
from api.http.published import publish, shapes_of
from api.http.rate_limits import POLICY, RATE_LIMIT
from api.stream.schemas import CLIENT, SERVER
from api.users.schemas import LoginRequest

Models = tuple[type[BaseModel], ...]

_HEADERS: Final[dict[str, Any]] = {
    RATE_LIMIT: {"description": 'what is left of the bucket: `"orders";r=99;t=1`', "schema": {"type": "string"}},
    POLICY: {"description": 'the bucket: `"orders";q=100;w=60`', "schema": {"type": "string"}},
}
_RETRY_AFTER: Final[dict[str, Any]] = {
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}}
}


def install(app: FastAPI) -> None:
    """Complete the document when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            publish(made)
            _add_models(made["components"]["schemas"])
            for path, method in _limited(app):
                _add_rate_limit(made["paths"][path][method]["responses"])
            for operations in made["paths"].values():
                for operation in operations.values():
                    if "requestBody" in operation:
                        operation["responses"] |= responses(UNSUPPORTED_MEDIA_TYPE)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document.


def _limited(app: FastAPI) -> set[tuple[str, str]]:
    """Give the path and method of each operation whose requests are counted."""
    shown = [route for route in iter_route_contexts(app.routes) if is_limited(route) and route.include_in_schema]
    return {(str(route.path_format), method.lower()) for route in shown for method in route.methods or ()}


def _add_models(schemas: dict[str, Any]) -> None:
    for model in (Problem, LoginRequest):
        schemas |= shapes_of(model)
    _add_messages(schemas)
    schemas["Problem"]["properties"]["code"]["enum"] = list(REGISTRY)


def _add_messages(schemas: dict[str, Any]) -> None:
    """Messages of the WebSocket belong to no route; the shapes they share with routes stay as they are."""
    sides: tuple[tuple[str, Models, Literal["validation", "serialization"]], ...] = (
        ("WsFromClient", CLIENT, "validation"),
        ("WsFromServer", SERVER, "serialization"),
    )
    for name, models, mode in sides:
        for model in models:
            shapes = shapes_of(model, mode)
            schemas |= {shape: content for shape, content in shapes.items() if shape not in schemas}
        schemas[name] = {"oneOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]}


def _add_rate_limit(declared: dict[str, Any]) -> None:
    """Any request may be one too many; where another problem has that status, both are declared."""
    (limited,) = responses(RATE_LIMITED).values()
    known = declared.get(str(RATE_LIMITED.status))
    if known is not None:
        limited["description"] = f"{known['description']} · {limited['description']}"
        limited["content"][MEDIA_TYPE]["examples"] |= known["content"][MEDIA_TYPE]["examples"]
    declared[str(RATE_LIMITED.status)] = limited | {"headers": _RETRY_AFTER}
    for status, response in declared.items():
        if status[0] in "24":
            response["headers"] = response.get("headers", {}) | _HEADERS
