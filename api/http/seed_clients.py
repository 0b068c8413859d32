"""Which requests are a seed's client's: those to a seed's route, and those at a port that a seed's README names."""

from typing import Any, Final, Literal

from fastapi import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from api.http.problems import ApiError, problem_response
from runtime.settings import Settings

SeedCookie = Literal["authToken", "token"]  # seed 001's; seeds 000's and 003's
PORT_OF_SEED_001: Final = 3005
LOGIN_COOKIE: Final = "login_cookie"  # what a request's state calls the cookie of the seed whose route answers it


def note_seed_route(request: Request, login_cookie: SeedCookie | None) -> None:
    """Note that a seed's route answers the request, and which cookie the seed's login sets."""
    setattr(request.state, LOGIN_COOKIE, login_cookie)


def is_of_seed(request: Request) -> bool:
    """Say whether a seed's client sent it."""
    return hasattr(request.state, LOGIN_COOKIE) or is_at_seed_port(request.scope)


def login_cookie_of(request: Request) -> SeedCookie | None:
    """Give the cookie of the seed whose client sent it, by the route or the port; null where none can be told."""
    if hasattr(request.state, LOGIN_COOKIE):
        noted: SeedCookie | None = getattr(request.state, LOGIN_COOKIE)
        return noted
    if not is_at_seed_port(request.scope):
        return None
    return "authToken" if port_of(request.scope) == PORT_OF_SEED_001 else "token"


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
