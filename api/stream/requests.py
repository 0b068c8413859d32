"""How a client's message becomes a request, and how one is answered that cannot be fulfilled."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from api.http.errors import of_faults
from api.http.problems import MALFORMED, ApiError, problem_of
from api.stream.schemas import REQUESTS, WsError, WsOperation

PATH: Final = "/api/v1/ws"
NAME_MAX: Final = 64

Id = str | int | None


class NotUnderstood(Exception):
    """A message is no request. request_id and operation: as far as they can be read."""

    def __init__(self, reason: ApiError, request_id: Id = None, operation: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.request_id = request_id
        self.operation = operation


def request_of(text: str) -> WsOperation:
    """Read a message; NotUnderstood where it is no request."""
    try:
        message = from_json(text)
    except ValueError as error:
        raise NotUnderstood(ApiError(MALFORMED, "The message is not JSON")) from error
    try:
        request: WsOperation = REQUESTS.validate_python(message)
    except ValidationError as error:
        raise NotUnderstood(_malformed(error), *_named(message)) from error
    return request


def refusal(request_id: Id, operation: str | None, error: ApiError) -> WsError:
    """Say why an operation was not done."""
    return WsError(id=request_id, op=operation, error=problem_of(error, PATH))


def _malformed(error: ValidationError) -> ApiError:
    return of_faults([fault | {"loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)])


def _named(message: Any) -> tuple[Id, str | None]:
    if not isinstance(message, dict):
        return None, None
    request_id, operation = message.get("id"), message.get("op")
    return (
        request_id if isinstance(request_id, str | int) and len(str(request_id)) <= NAME_MAX else None,
        operation if isinstance(operation, str) and len(operation) <= NAME_MAX else None,
    )
