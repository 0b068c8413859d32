"""Which answers the seeds' routes declare beside their own: refusals, 202, and by what one is signed in."""

from typing import Any, Final

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer

from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.limiting import BY_ACCOUNT, BY_ADDRESS, REGISTERS
from api.dispatch.replies import EVERY_COMMAND
from api.http.problems import (
    BAD_CREDENTIALS,
    CROSS_SITE_REQUEST,
    DATABASE_UNAVAILABLE,
    EMAIL_TAKEN,
    MALFORMED,
    NOT_FOUND,
    PASSWORDS_BUSY,
    PROJECTION_BEHIND,
    RATE_LIMITED,
    REFUSALS,
    TOO_MANY_LOGINS,
    ProblemKind,
)
from schemas.rejections import Rejection

_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")
_auth_token = APIKeyCookie(name="authToken", auto_error=False, scheme_name="authToken")
_token = APIKeyCookie(name="token", auto_error=False, scheme_name="token")

SCHEMES: Final = [Depends(_bearer), Depends(_auth_token), Depends(_token)]
# Beside the schemes: who sends none of them is let in too.
OR_NOBODY: Final[dict[str, Any]] = {"security": [{}]}
SIGNED: Final = [*SCHEMES, BY_ACCOUNT]
ANYONE: Final = [BY_ADDRESS]
NEW_USER: Final = [BY_ADDRESS, REGISTERS]
READ: Final[tuple[ProblemKind, ...]] = (
    *CALLER_REFUSALS,
    MALFORMED,
    NOT_FOUND,
    RATE_LIMITED,
    PROJECTION_BEHIND,
    REFUSALS[Rejection.ACCOUNT_UNKNOWN],
)
_PRICED: Final = (
    REFUSALS[Rejection.NO_PRICE],
    REFUSALS[Rejection.PRICE_UNCONFIRMED],
    REFUSALS[Rejection.PRICE_STALE],
    REFUSALS[Rejection.MARKET_HALTED],
)
OPENED: Final[tuple[ProblemKind, ...]] = (
    *EVERY_COMMAND,
    RATE_LIMITED,
    *_PRICED,
    *(
        REFUSALS[rejection]
        for rejection in (
            *(Rejection.SYMBOL_UNKNOWN, Rejection.MARKET_CLOSE_ONLY, Rejection.CLOCK_SUSPECT),
            *(Rejection.LEVERAGE_OUT_OF_RANGE, Rejection.SLIPPAGE_EXCEEDED, Rejection.AMOUNT_NOT_POSITIVE),
            *(Rejection.BELOW_MINIMUM, Rejection.ABOVE_MAXIMUM, Rejection.POSITION_NOTIONAL_LIMIT),
            *(Rejection.ACCOUNT_NOTIONAL_LIMIT, Rejection.SIDE_NOTIONAL_LIMIT, Rejection.STOP_LOSS_WRONG_SIDE),
            *(Rejection.TAKE_PROFIT_WRONG_SIDE, Rejection.LIQUIDATABLE_AT_ONCE, Rejection.INSUFFICIENT_MARGIN),
        )
    ),
)
CLOSED: Final[tuple[ProblemKind, ...]] = (
    *EVERY_COMMAND,
    RATE_LIMITED,
    *_PRICED,
    NOT_FOUND,
    REFUSALS[Rejection.POSITION_NOT_OPEN],
    REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404),
)
SIGNED_UP: Final = (EMAIL_TAKEN, PASSWORDS_BUSY, RATE_LIMITED, CROSS_SITE_REQUEST, MALFORMED, DATABASE_UNAVAILABLE)
SIGNED_IN: Final = (
    *(BAD_CREDENTIALS, TOO_MANY_LOGINS, PASSWORDS_BUSY, RATE_LIMITED),
    *(CROSS_SITE_REQUEST, MALFORMED, DATABASE_UNAVAILABLE),
)
PENDING: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "Not decided yet; look at Location",
        "content": {"application/json": {"schema": {"type": "object", "required": ["command_id", "status"]}}},
    }
}
DEPOSITED: Final[tuple[ProblemKind, ...]] = (
    *EVERY_COMMAND,
    RATE_LIMITED,
    REFUSALS[Rejection.AMOUNT_NOT_POSITIVE],
    REFUSALS[Rejection.DEPOSIT_LIMIT],
    REFUSALS[Rejection.BALANCE_LIMIT],
)
