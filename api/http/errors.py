"""How every error becomes a problem document, whoever raised it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from api.http.body_limit import too_large
from api.http.head import method_of
from api.http.problems import (
    BODY_TOO_LARGE,
    DATABASE_UNAVAILABLE,
    FORBIDDEN,
    INTERNAL_ERROR,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    REQUEST_INVALID,
    ApiError,
    Fault,
)
from api.http.seed_clients import problem_to
from api.http.sentences import Details, sentence_of, shown, tag_of

_BY_STATUS: Final = {
    kind.status: kind for kind in (NOT_AUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE)
}
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
_PARAMETERS: Final = ("query", "path", "header", "cookie")
CLIENT_LEFT: Final = 499  # a status for the metrics alone: whoever left reads none


# What may come of any request, besides a defect.
EXPECTED: Final = (ApiError, RequestValidationError, HTTPException, OperationalError, PoolTimeoutError, DataError)


def install(app: FastAPI) -> None:
    """Answer every expected error with a problem."""
    for kind in EXPECTED:
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(ClientDisconnect, _left)


def refusal_of(request: Request, error: Exception) -> ApiError:
    """Give the problem that an expected error is."""
    match error:
        case ApiError():
            return error
        case RequestValidationError():
            return of_faults(error.errors())
        case HTTPException():
            return _of_http(request, error)
        case _:
            return of_database(error)


def of_database(error: Exception) -> ApiError:
    """Give the problem that an error of the database is."""
    if isinstance(error, DataError):
        # A text PostgreSQL cannot hold, such as one with a NUL: nothing of that name exists.
        return ApiError(MALFORMED, "A parameter has a character that is none")
    structlog.get_logger().error("database", error=str(error.__cause__ or error))
    return ApiError(DATABASE_UNAVAILABLE, headers={"Retry-After": "1"})


def of_faults(errors: Sequence[Any]) -> ApiError:
    """Give the problem that fields of the wrong shape are, in our own words."""
    faults = [_fault(error) for error in errors]
    detail = "; ".join(f"{fault.pointer or 'the body'}: {fault.message}" for fault in faults[:3])
    details = next((fault.details for fault in faults if fault.details is not None), None)
    return ApiError(MALFORMED, detail, faults=faults, details=details)


def _fault(error: Any) -> Fault:
    message, details = sentence_of(error)
    tag = tag_of(error)  # What says which of several shapes a body has is a field of it.
    pointer = _pointer(error["loc"] if tag is None else (*error["loc"], tag))
    return Fault(pointer=pointer, message=message, details=details)


async def _expected(request: Request, error: Exception) -> Response:
    return problem_to(request.scope, refusal_of(request, error))


async def _left(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=CLIENT_LEFT)


def _of_http(request: Request, error: HTTPException) -> ApiError:
    kind = _BY_STATUS.get(error.status_code, REQUEST_INVALID._replace(status=error.status_code))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # What the framework could not even parse is malformed like any other body.
        kind = MALFORMED
    headers = dict(error.headers or {})
    path, detail = shown(request.url.path), None
    details: Details | None = None
    if kind is METHOD_NOT_ALLOWED:
        method, allowed = method_of(request.scope), ", ".join(_methods_of(request))
        headers["Allow"] = allowed
        detail, details = f"{path} has no {method}, but {allowed}", {"allowed": allowed, "sent": method}
    elif kind is NOT_FOUND:
        detail, details = f"There is nothing at {path}", {"looked_for": "path", "sent": path}
    elif kind is BODY_TOO_LARGE:
        detail, details = too_large()
    return ApiError(kind, detail, headers=headers, details=details)


def _methods_of(request: Request) -> list[str]:
    """Give every method of the path, of whichever routes it has; the framework names those of the first."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    served = [method for method in _METHODS if is_served(method)]
    return sorted({*served, "HEAD"}) if "GET" in served else served  # Where there is GET there is HEAD.


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer a defect."""
    structlog.get_logger().error("unexpected", error=type(error).__name__, exc_info=error)
    return problem_to(request.scope, ApiError(INTERNAL_ERROR))


def _pointer(loc: Any) -> str:
    """JSON pointer into the body; a parameter's name elsewhere."""
    where, *path = loc or ("body",)
    if where in _PARAMETERS:
        return str(path[0]) if path else str(where)
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path if isinstance(part, str))
