"""How a client of a seed signs in: for 24 hours, in the demo profile only, under the cookie its page reads."""

from datetime import timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid4

from fastapi import Request, Response

from api.app_state import AppState
from api.auth.origins import Origin
from api.credentials.cookies import set_login_cookie
from api.credentials.tokens import now
from api.dispatch.dispatcher import Dispatcher
from api.store.users import NewSession, User
from api.users import service
from api.users.opening import account_opener
from api.users.schemas import LoginRequest
from schemas.journal import DAYS_AT_MOST

DAY: Final = timedelta(days=DAYS_AT_MOST["password, for a day"])


class DaySession(NamedTuple):
    """Who signed in, their token, and the headers of the place where this login opened their account."""

    user: User
    token: str
    headers: dict[str, str]


async def sign_in_for_a_day(
    state: AppState, dispatcher: Dispatcher, request: LoginRequest, origin: Origin
) -> DaySession:
    """Check the password as every login does, and begin a session of 24 hours."""
    user, headers, verified = await service.check_login(
        account_opener(state, dispatcher), state.database, state.credentials, request, origin
    )
    session, token = new_day_session(state, user.user_id, origin, verified)
    await service.begin(state.database, session)
    return DaySession(user, token, headers)


def new_day_session(
    state: AppState, user_id: UUID, origin: Origin, verified: str | None = None
) -> tuple[NewSession, str]:
    """Make a session of 24 hours, to be stored, and its only token: it ends by logout, and is not refreshed.

    verified: the hash their password was compared with; null for one who registers.
    """
    assert state.settings.profile == "demo", "seed routers are served in the demo profile only"
    session_id, began = uuid4(), now()
    session = NewSession(
        session_id=session_id,
        user_id=user_id,
        expires_at=began + DAY,
        how="password, for a day",
        verified=verified,
        device=origin.device,
        network=origin.network,
        address_hash=state.credentials.tokens.address_hash(user_id, origin.address),
    )
    return session, state.credentials.tokens.issue(user_id, session_id, began, DAY)


def set_day_cookie(request: Request, response: Response, token: str, name: Literal["authToken", "token"]) -> None:
    """Set the cookie the seed's page reads."""
    set_login_cookie(request, response, token, int(DAY.total_seconds()), name)
