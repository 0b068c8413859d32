"""How an undecided command is answered, and which problems every command may meet."""

from typing import Any, Final

from starlette.responses import JSONResponse

from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.dispatch.dispatcher import Decided, Pending, Reply, Stored
from api.http.problems import (
    BROKER_UNAVAILABLE,
    CROSS_SITE_REQUEST,
    ENGINE_BEHIND,
    KEY_IN_USE,
    MALFORMED,
    PROJECTION_BEHIND,
    REFUSALS,
    ProblemKind,
)
from schemas.rejections import Rejection

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


def accepted(reply: Reply) -> JSONResponse:
    """Say that a command is on its way, or is done and cannot be shown yet; and where to look."""
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
    return JSONResponse(content, 202, headers | {"Location": f"/api/v1/commands/{command_id}"})
