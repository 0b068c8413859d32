"""How a command is answered: decided, stored from before, or pending; and which problems it may meet."""

from http import HTTPStatus
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.dispatch.read_your_writes import log_position_headers
from api.http.problems import (
    BROKER_UNAVAILABLE,
    CROSS_SITE_REQUEST,
    ENGINE_BEHIND,
    KEY_IN_USE,
    MALFORMED,
    PROJECTION_BEHIND,
    REFUSALS,
    REPLAYED,
    ProblemKind,
)
from api.log.outcomes import Outcome
from projector import queries
from schemas.rejections import Rejection

RETRY_AFTER: Final = {"Retry-After": "1"}

# Those of the caller are here too: the problems of one status are declared together.
COMMAND_PROBLEMS: Final[tuple[ProblemKind, ...]] = (
    *CALLER_REFUSALS,
    CROSS_SITE_REQUEST,
    KEY_IN_USE,
    BROKER_UNAVAILABLE,
    ENGINE_BEHIND,
    PROJECTION_BEHIND,
)
EVERY_COMMAND: Final[tuple[ProblemKind, ...]] = (
    *COMMAND_PROBLEMS,
    REFUSALS[Rejection.ACCOUNT_UNKNOWN],
    REFUSALS[Rejection.ACCOUNT_CLOSED],
    REFUSALS[Rejection.COMMAND_ID_REUSED],
    REFUSALS[Rejection.TOO_MANY_COMMANDS],
    REFUSALS[Rejection.DEADLINE_PASSED],
    MALFORMED,
)
ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "Not decided yet; look at Location",
        "headers": {
            "Location": {"schema": {"type": "string"}, "description": "/api/v1/commands/{id}"},
            "Preference-Applied": {
                "schema": {"type": "string"},
                "description": "respond-async, where it was preferred",
            },
        },
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Command"}}},
    }
}


class Decided(NamedTuple):
    """The event that is the outcome; replayed: of the same command sent before. seen: the shard's last event then."""

    outcome: Outcome
    replayed: bool = False
    seen: int = 0

    @property
    def seq(self) -> int:
        """The last event that whoever gets this reply has seen."""
        return max(self.outcome.event.seq, self.seen)

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return log_position_headers(self.outcome.shard, self.seq) | _replayed(self.replayed)


class Stored(NamedTuple):
    """What PostgreSQL has about the same command sent before. seen: the shard's last event by now."""

    row: queries.CommandRow
    seen: int = 0

    @property
    def seq(self) -> int:
        """The last event that whoever gets this reply has seen."""
        return max(self.row.seq, self.seen)

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return log_position_headers(self.row.shard, self.seq) | _replayed(replayed=True)


class Pending(NamedTuple):
    """Sent, perhaps appended, and not decided in time; preferred: the caller did not want to wait."""

    command_id: str
    preferred: bool = False


Reply = Decided | Stored | Pending


class Answer(NamedTuple):
    """How a command is answered, over HTTP or a WebSocket, where headers are members of the message.

    content: a model, or the members of a `Command` that is not decided.
    """

    status: int
    content: BaseModel | dict[str, str | None]
    headers: dict[str, str]

    def over_http(self, response: Response) -> BaseModel | JSONResponse:
        """Give what a route returns, whose other parts are in its response; a `Command` is no model of the route's."""
        if not isinstance(self.content, BaseModel):
            return JSONResponse(self.content, self.status, self.headers)
        response.status_code = self.status
        response.headers.update(self.headers)
        return self.content


def accepted(reply: Reply) -> JSONResponse:
    """Say that a command is on its way, or is done and cannot be shown yet; and where to look."""
    answer = undecided(reply)
    return JSONResponse(answer.content, answer.status, answer.headers)


def undecided(reply: Reply) -> Answer:
    """Say so, in whatever way it is then told."""
    headers = {"Retry-After": "1"}
    match reply:
        case Pending(command_id, preferred):
            status = "pending"
            headers |= {"Preference-Applied": "respond-async"} if preferred else {}
        case Decided(outcome):
            status, command_id = "done", str(outcome.event.command_id)
            headers |= reply.headers()
        case Stored(row):
            status, command_id = "done", row.command_id
            headers |= reply.headers()
    content = {"command_id": command_id, "status": status, "code": None, "order": None, "position": None}
    return Answer(HTTPStatus.ACCEPTED, content, headers | {"Location": f"/api/v1/commands/{command_id}"})


def _replayed(replayed: bool) -> dict[str, str]:
    return {REPLAYED: "true"} if replayed else {}
