"""How a client's message becomes a request, and how one is answered that cannot be fulfilled."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from api.http.problems import MALFORMED, ApiError, Fault, problem_of
from api.stream.schemas import REQUESTS, WsError, WsOperation

PATH: Final = "/api/v1/ws"
NAME_MAX: Final = 64

Id = str | int | None


class NotUnderstood(Exception):
    """A message is no request. asked and operation: its id and what it wanted, as far as they can be told back."""

    def __init__(self, reason: ApiError, asked: Id = None, operation: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.asked = asked
        self.operation = operation


def request_of(text: str) -> WsOperation:
    """Read a message; NotUnderstood where it is no request."""
    try:
        said = from_json(text)
    except ValueError as error:
        raise NotUnderstood(ApiError(MALFORMED, "The message is not JSON")) from error
    try:
        request: WsOperation = REQUESTS.validate_python(said)
    except ValidationError as error:
        raise NotUnderstood(_malformed(error), *_named(said)) from error
    return request


def refusal(asked: Id, operation: str | None, error: ApiError) -> WsError:
    """Say why an operation was not done."""
    return WsError(id=asked, op=operation, error=problem_of(error, PATH))


def _malformed(error: ValidationError) -> ApiError:
    faults = [
        Fault(pointer="".join(f"/{part}" for part in fault["loc"]), message=str(fault["msg"]))
        for fault in error.errors(include_url=False)
    ]
    return ApiError(MALFORMED, "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults[:3]), faults=faults)


def _named(said: Any) -> tuple[Id, str | None]:
    if not isinstance(said, dict):
        return None, None
    asked, operation = said.get("id"), said.get("op")
    return (
        asked if isinstance(asked, str | int) and len(str(asked)) <= NAME_MAX else None,
        operation if isinstance(operation, str) and len(operation) <= NAME_MAX else None,
    )
