"""Which errors the API answers with: one registry of codes, and their RFC 9457 form."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from api.http.sentences import Details, shown
from runtime import http_refusals
from schemas.rejections import Rejection

MEDIA_TYPE: Final = "application/problem+json"
DOCS: Final = "/docs/problems"
REPLAYED: Final = "Idempotent-Replayed"


class ProblemKind(NamedTuple):
    """What is always the same about problems of one code."""

    code: str
    status: int
    title: str


# The core's refusals are 409, except where the request itself was wrong or too early.
_NOT_409: Final = {
    Rejection.NOT_DECODABLE: 422,
    Rejection.COMMAND_ID_REUSED: 422,
    Rejection.MALFORMED: 422,
    Rejection.TOO_MANY_COMMANDS: 429,
}
_TITLES: Final = {
    Rejection.NOT_DECODABLE: "The command could not be read",
    Rejection.WRONG_SHARD: "The command was in another account's shard",
    Rejection.ACCOUNT_UNKNOWN: "The account is not open yet",
    Rejection.ACCOUNT_CLOSED: "The account is closed",
    Rejection.ACCOUNT_EXISTS: "The account is open already",
    Rejection.COMMAND_ID_REUSED: "The key was used with other content",
    Rejection.TOO_MANY_COMMANDS: "Too many commands in ten minutes",
    Rejection.DEADLINE_PASSED: "The deadline passed before the command was in the log",
    Rejection.DEADLINE_TOO_FAR: "The deadline is more than five minutes ahead",
    Rejection.MALFORMED: "A field is malformed",
    Rejection.FEED_NOT_SELECTED: "The feed is not the selected one",
    Rejection.SYMBOL_UNKNOWN: "There is no such instrument",
    Rejection.POSITION_NOT_OPEN: "The position is not open",
    Rejection.MARKET_HALTED: "The market is halted",
    Rejection.MARKET_CLOSE_ONLY: "The market takes no new positions",
    Rejection.NO_PRICE: "The market has no price yet",
    Rejection.PRICE_UNCONFIRMED: "The price waits for confirmation",
    Rejection.PRICE_STALE: "The price is stale",
    Rejection.CLOCK_SUSPECT: "The clocks differ, and nothing is opened",
    Rejection.LEVERAGE_OUT_OF_RANGE: "The leverage is out of range",
    Rejection.SLIPPAGE_EXCEEDED: "The price moved beyond the slippage allowed",
    Rejection.AMOUNT_NOT_POSITIVE: "The amount is not positive",
    Rejection.BELOW_MINIMUM: "The amount is below the minimum",
    Rejection.ABOVE_MAXIMUM: "The amount is above the maximum",
    Rejection.POSITION_NOTIONAL_LIMIT: "The position would be too large",
    Rejection.ACCOUNT_NOTIONAL_LIMIT: "The account's positions in this market would be too large",
    Rejection.SIDE_NOTIONAL_LIMIT: "The market takes no more on this side",
    Rejection.DEPOSIT_LIMIT: "The day's deposits would be too large",
    Rejection.BALANCE_LIMIT: "The balance would be too large",
    Rejection.STOP_LOSS_WRONG_SIDE: "The stop loss is on the wrong side of the price",
    Rejection.TAKE_PROFIT_WRONG_SIDE: "The take profit is on the wrong side of the price",
    Rejection.LIQUIDATABLE_AT_ONCE: "The position would be liquidated at once",
    Rejection.INSUFFICIENT_MARGIN: "Not enough free margin",
    Rejection.CLIENT_ORDER_ID_USED: "The client_order_id opened a position already",
    Rejection.RULES_VERSION_NOT_NEXT: "The rules version is not the next one",
    Rejection.PRICE_TOO_OLD: "The price is too old to open at",
    Rejection.TOO_MANY_POSITIONS: "The account has as many open positions as it may",
}

NOT_AUTHENTICATED: Final = ProblemKind("NOT_AUTHENTICATED", 401, "Sign in first")
BAD_CREDENTIALS: Final = ProblemKind("BAD_CREDENTIALS", 401, "Email or password is wrong")
TOKEN_INVALID: Final = ProblemKind("TOKEN_INVALID", 401, "The token is not valid")
TOKEN_EXPIRED: Final = ProblemKind("TOKEN_EXPIRED", 401, "The token has expired")
SIGNATURE_INVALID: Final = ProblemKind("SIGNATURE_INVALID", 401, "The request's signature is not valid")
CREDENTIALS_CONFLICT: Final = ProblemKind("CREDENTIALS_CONFLICT", 401, "Two credentials name different users")
SCOPE_MISSING: Final = ProblemKind("SCOPE_MISSING", 403, "The API key has no scope for this")
ROLE_READ_ONLY: Final = ProblemKind("ROLE_READ_ONLY", 403, "Your role reads, and writes nothing")
PASSWORD_WRONG: Final = ProblemKind("PASSWORD_WRONG", 403, "The password is not yours")
LOGIN_TOO_OLD: Final = ProblemKind("LOGIN_TOO_OLD", 403, "Sign in again first")
FORBIDDEN: Final = ProblemKind("FORBIDDEN", 403, "Not allowed")
CROSS_SITE_REQUEST: Final = ProblemKind("CROSS_SITE_REQUEST", 403, "A page of another site sent this request")
NOT_FOUND: Final = ProblemKind("NOT_FOUND", 404, "Not found")
METHOD_NOT_ALLOWED: Final = ProblemKind("METHOD_NOT_ALLOWED", 405, "The resource has no such method")
RULES_VERSION_UNKNOWN: Final = ProblemKind(
    "RULES_VERSION_UNKNOWN", 409, "There are no such rules here; start newer code first"
)
KEY_IN_USE: Final = ProblemKind("KEY_IN_USE", 409, "A request with this Idempotency-Key is still running")
PRECONDITION_FAILED: Final = ProblemKind("PRECONDITION_FAILED", 412, "It was changed since; read it again")
RATE_LIMITED: Final = ProblemKind("RATE_LIMITED", 429, "Too many requests")
TOO_MANY_SOCKETS: Final = ProblemKind("TOO_MANY_SOCKETS", 429, "There are as many WebSockets as there may be")
TOO_MANY_IN_FLIGHT: Final = ProblemKind(
    "TOO_MANY_IN_FLIGHT", 429, "As many orders are in flight on the socket as there may be"
)
TOO_MANY_API_KEYS: Final = ProblemKind("TOO_MANY_API_KEYS", 409, "There are as many API keys as a user may have")
TOO_MANY_ALERTS: Final = ProblemKind("TOO_MANY_ALERTS", 409, "There are as many active alerts as a user may have")
ALERT_REACHED: Final = ProblemKind("ALERT_REACHED", 409, "The price is there already")
TRANSFER_NOT_PENDING: Final = ProblemKind("TRANSFER_NOT_PENDING", 409, "The transfer waits for no approval")
ORDER_NOT_OPEN: Final = ProblemKind("ORDER_NOT_OPEN", 409, "The order is not open")
EMAIL_TAKEN: Final = ProblemKind("EMAIL_TAKEN", 409, "The email is registered already")
BODY_TOO_LARGE: Final = ProblemKind("BODY_TOO_LARGE", 413, "The body is too large")
HEAD_TOO_LARGE: Final = ProblemKind(*http_refusals.HEAD_TOO_LARGE)
REQUEST_TOO_SLOW: Final = ProblemKind(*http_refusals.REQUEST_TOO_SLOW)
TOO_MANY_CONNECTIONS: Final = ProblemKind(*http_refusals.TOO_MANY_CONNECTIONS)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemKind("UNSUPPORTED_MEDIA_TYPE", 415, "The body is not said to be JSON")
REQUEST_INVALID: Final = ProblemKind("REQUEST_INVALID", 400, "The request is not valid")
TOO_MANY_LOGINS: Final = ProblemKind("TOO_MANY_LOGINS", 429, "Too many failed logins")
INTERNAL_ERROR: Final = ProblemKind("INTERNAL_ERROR", 500, "Something went wrong on our side")
BROKER_UNAVAILABLE: Final = ProblemKind("BROKER_UNAVAILABLE", 503, "The log takes no commands now")
DATABASE_UNAVAILABLE: Final = ProblemKind("DATABASE_UNAVAILABLE", 503, "The database does not answer now")
ENGINE_BEHIND: Final = ProblemKind("ENGINE_BEHIND", 503, "The engine is behind")
PROJECTION_BEHIND: Final = ProblemKind("PROJECTION_BEHIND", 503, "Older outcomes cannot be looked up now")
SERVER_STOPPING: Final = ProblemKind("SERVER_STOPPING", 503, "The server stops, and takes no more orders")
PASSWORDS_BUSY: Final = ProblemKind("PASSWORDS_BUSY", 503, "As many passwords are checked as there may be at once")
REPLAY_BUSY: Final = ProblemKind("REPLAY_BUSY", 429, "As many replays are worked on as there may be at once")
REPLAY_UNAVAILABLE: Final = ProblemKind("REPLAY_UNAVAILABLE", 503, "Nothing can be replayed now")

_OWN: Final = (
    REQUEST_INVALID,
    NOT_AUTHENTICATED,
    BAD_CREDENTIALS,
    TOKEN_INVALID,
    TOKEN_EXPIRED,
    SIGNATURE_INVALID,
    CREDENTIALS_CONFLICT,
    SCOPE_MISSING,
    ROLE_READ_ONLY,
    PASSWORD_WRONG,
    LOGIN_TOO_OLD,
    FORBIDDEN,
    CROSS_SITE_REQUEST,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    RULES_VERSION_UNKNOWN,
    TOO_MANY_API_KEYS,
    TOO_MANY_SOCKETS,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_ALERTS,
    ALERT_REACHED,
    ORDER_NOT_OPEN,
    TRANSFER_NOT_PENDING,
    EMAIL_TAKEN,
    KEY_IN_USE,
    PRECONDITION_FAILED,
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    REQUEST_TOO_SLOW,
    TOO_MANY_CONNECTIONS,
    UNSUPPORTED_MEDIA_TYPE,
    TOO_MANY_LOGINS,
    RATE_LIMITED,
    INTERNAL_ERROR,
    BROKER_UNAVAILABLE,
    DATABASE_UNAVAILABLE,
    ENGINE_BEHIND,
    PROJECTION_BEHIND,
    SERVER_STOPPING,
    PASSWORDS_BUSY,
    REPLAY_BUSY,
    REPLAY_UNAVAILABLE,
)
REFUSALS: Final = {
    rejection: ProblemKind(rejection.name, _NOT_409.get(rejection, 409), _TITLES[rejection]) for rejection in Rejection
}
MALFORMED: Final = REFUSALS[Rejection.MALFORMED]
REGISTRY: Final = {kind.code: kind for kind in (*REFUSALS.values(), *_OWN)}


class Fault(BaseModel):
    """One field that is wrong."""

    pointer: str = Field(description="JSON pointer into the body, or the parameter's name", examples=["/margin"])
    message: str = Field(examples=["1e30 is beyond what the ledger can hold"])
    details: Details | None = Field(default=None, description="the bound, and what was sent; as in the message")


class Problem(BaseModel):
    """An error as RFC 9457 has it; `code` is the core's refusal or the API's own."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/docs/problems#INSUFFICIENT_MARGIN"])
    title: str = Field(examples=["Not enough free margin"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Not enough free margin"])
    instance: str = Field(examples=["/api/v1/orders"])
    code: str = Field(examples=["INSUFFICIENT_MARGIN"])
    errors: list[Fault] | None = None
    details: Details | None = Field(
        default=None,
        description="the bounds that were not kept, what was sent, and what was looked for; all are in `detail` too",
        examples=[{"leverage_min": "1.00", "leverage_max": "100.00", "sent": "101.00"}],
    )


class ApiError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str | None = None,
        *,
        faults: list[Fault] | None = None,
        headers: Mapping[str, str] | None = None,
        details: Details | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{kind.code}: {detail or kind.title}")
        self.kind = kind
        self.detail = detail or kind.title
        self.faults = faults
        self.details = details
        self.headers = dict(headers or {})
        self.members = members


def malformed(pointer: str, message: str, **details: str | int) -> ApiError:
    """One field is wrong; details: the bound, and what was sent."""
    named = details or None
    faults = [Fault(pointer=pointer, message=message, details=named)]
    return ApiError(MALFORMED, f"{pointer}: {message}", faults=faults, details=named)


def not_found(what: str, name: object, *, of_caller: bool = True) -> ApiError:
    """Say which one there is not, or is not theirs; what: `order`, `position`.

    of_caller: whether it would have to be the caller's own, which an administrator's need not be.
    """
    sent = shown(name)
    detail = f"You have no {what} {sent!r}" if of_caller else f"There is no {what} {sent!r}"
    return ApiError(NOT_FOUND, detail, details={"looked_for": what, "sent": sent})


def problem_of(error: ApiError, instance: str) -> Problem:
    """Write an error as a problem of what was asked for."""
    return Problem(
        type=f"{DOCS}#{error.kind.code}",
        title=error.kind.title,
        status=error.kind.status,
        detail=error.detail,
        instance=instance,
        code=error.kind.code,
        errors=error.faults,
        details=error.details,
        **error.members,
    )


def problem_response(error: ApiError, instance: str) -> JSONResponse:
    """Write a problem as a reply."""
    content = problem_of(error, instance).model_dump(exclude_none=True)
    headers = error.headers
    if error.kind.status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": 'Bearer realm="reprise"'} | headers
    return JSONResponse(content, status_code=error.kind.status, headers=headers, media_type=MEDIA_TYPE)


def responses(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """Declare in OpenAPI which problems an operation answers with."""
    declared: dict[int | str, dict[str, Any]] = {}
    for status in sorted({kind.status for kind in kinds}):
        of_status = [kind for kind in kinds if kind.status == status]
        declared[status] = {
            "description": " · ".join(kind.code for kind in of_status),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: {"value": _example(kind)} for kind in of_status},
                }
            },
        }
    return declared


def _example(kind: ProblemKind) -> dict[str, Any]:
    return {
        "type": f"{DOCS}#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": "/api/v1",
        "code": kind.code,
    }
