"""How a client's message becomes a request, and how one is answered that cannot be fulfilled."""

from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from api.http.errors import of_faults
from api.http.problems import MALFORMED, ApiError, problem_of
from api.stream.schemas import REQUESTS, Id, WsError, WsOperation

PATH: Final = "/api/v1/ws"
NAME_MAX: Final = 64

_IDS: Final[TypeAdapter[str | int]] = TypeAdapter(Id)


class NotUnderstood(Exception):
    """A message is no request. request_id and operation: as far as they can be read."""

    def __init__(self, reason: ApiError, request_id: str | int | None = None, operation: str | None = None) -> None:
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


def refusal(request_id: str | int | None, operation: str | None, error: ApiError) -> WsError:
    """Say why an operation was not done."""
    return WsError(id=request_id, op=operation, error=problem_of(error, PATH))


def _malformed(error: ValidationError) -> ApiError:
    return of_faults([fault | {"loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)])


def _named(message: Any) -> tuple[str | int | None, str | None]:
    """Give the id and the operation of what is no request, each as far as it could be one's."""
    if not isinstance(message, dict):
        return None, None
    operation = message.get("op")
    return _id_of(message.get("id")), operation if isinstance(operation, str) and len(operation) <= NAME_MAX else None


def _id_of(value: Any) -> str | int | None:
    try:
        return _IDS.validate_python(value)
    except ValidationError:
        return None
