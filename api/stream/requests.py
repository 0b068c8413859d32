"""How a client's message becomes a request, and how one is answered that cannot be fulfilled."""

import json
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from api.http.errors import of_faults
from api.http.numbers import Text, read_json
from api.http.problems import MALFORMED, ApiError, problem_of
from api.stream.order_schemas import ORDERS, Id
from api.stream.schemas import REQUESTS, WsError, WsOperation

PATH: Final = "/api/v1/ws"
NAME_MAX: Final = 64

_IDS: Final[TypeAdapter[str | int]] = TypeAdapter(Id)
_NAMES: Final[TypeAdapter[str]] = TypeAdapter(Text)


class NotUnderstood(Exception):
    """A message is no request. request_id and operation: as far as they can be read."""

    def __init__(self, reason: ApiError, request_id: str | int | None = None, operation: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.request_id = request_id
        self.operation = operation


def message_of(text: str | None) -> Any:
    """Decode a message, numbers as the digits that were sent; NotUnderstood in place of it where it is not JSON."""
    if text is None:
        return NotUnderstood(ApiError(MALFORMED, "Messages are JSON texts"))
    try:
        return read_json(text)
    except json.JSONDecodeError:
        return NotUnderstood(ApiError(MALFORMED, "The message is not JSON"))


def order_of(message: Any) -> str | None:
    """Name the order a message is, whether or not it can be understood; null where it is something else."""
    operation = message.get("op") if isinstance(message, dict) else None
    return operation if isinstance(operation, str) and operation in ORDERS else None


def request_of(message: Any) -> WsOperation:
    """Read a message; NotUnderstood where it is no request."""
    if isinstance(message, NotUnderstood):
        raise message
    try:
        request: WsOperation = REQUESTS.validate_python(message)
    except ValidationError as error:
        raise NotUnderstood(_malformed(error), *_named(message)) from error
    return request


def refusal(request_id: str | int | None, operation: str | None, error: ApiError, **members: Any) -> WsError:
    """Say why an operation was not done; members: what headers would say."""
    return WsError.model_construct(id=request_id, op=operation, error=problem_of(error, PATH), **members)


def _malformed(error: ValidationError) -> ApiError:
    return of_faults([fault | {"loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)])


def _named(message: Any) -> tuple[str | int | None, str | None]:
    """Give the id and the operation of what is no request, each as far as it could be one's."""
    if not isinstance(message, dict):
        return None, None
    return id_of(message.get("id")), _name_of(message.get("op"))


def _name_of(value: Any) -> str | None:
    try:
        name = _NAMES.validate_python(value)
    except ValidationError:
        return None
    return name if len(name) <= NAME_MAX else None


def id_of(value: Any) -> str | int | None:
    """Give the id of a message as far as it could be one."""
    try:
        return _IDS.validate_python(value)
    except ValidationError:
        return None
