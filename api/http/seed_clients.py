"""Which requests are a seed's client's: those to a seed's route, and those at a port that a seed's README names."""

from typing import Any, Final

from fastapi import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from api.http.problems import ApiError, problem_response
from runtime.settings import Settings

PORT_OF_SEED_001: Final = 3005
SEED_ROUTE: Final = "seed_route"  # what a request's state calls it


def note_seed_route(request: Request) -> None:
    """Note that a seed's route answers the request."""
    setattr(request.state, SEED_ROUTE, True)


def is_of_seed(request: Request) -> bool:
    """Say whether a seed's client sent it."""
    return getattr(request.state, SEED_ROUTE, False) or is_at_seed_port(request.scope)


def port_of(scope: Scope) -> int | None:
    """Give the port a request came to."""
    server = scope.get("server")
    return None if server is None else server[1]


def is_at_seed_port(scope: Scope) -> bool:
    """Say whether a request came to one of the seeds' ports."""
    settings: Settings = scope["app"].state.api.settings
    return port_of(scope) in settings.seed_ports


def older_members(error: ApiError) -> dict[str, Any]:
    """Give what every seed's clients look for in an error."""
    return {"error": error.detail, "message": error.detail}


def problem_to(scope: Scope, error: ApiError) -> JSONResponse:
    """Write an error as a problem; at a seed's port with the older members beside it."""
    if is_at_seed_port(scope):
        error.members = older_members(error) | error.members
    return problem_response(error, scope["path"])
