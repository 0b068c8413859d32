"""How a client of a seed signs in: for 24 hours, in the demo profile only, under the cookie its page reads.

What a seed's router needs of auth is here and in `service`:

    user = (await service.register(parts, RegisterRequest(...))).user       # 201
    user, token, headers = await sign_in_for_a_day(parts, LoginRequest(...), address_of(request))
    token = await begin_day_session(parts, user)                            # register that signs in at once
    set_day_cookie(request, response, token, "authToken")                   # or "token"
    caller: Caller                                                          # auth/caller.py reads all cookies in order
    await service.logout(parts, caller); take_back_cookies(response)        # auth/cookies.py
    await deletion.delete_user(parts, caller.user)                          # seed 001's DELETE_USER

Call `refuse_cross_site(request, parts)` (auth/caller.py) in routes that sign in, as the canonical ones do.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple
from uuid import uuid4

from fastapi import Request, Response

from api.app_state import AppState
from api.credentials.cookies import set_login_cookie
from api.credentials.tokens import now
from api.store import users as store
from api.store.users import User
from api.users import service
from api.users.schemas import LoginRequest

DAY: Final = timedelta(hours=24)


class DaySession(NamedTuple):
    """Who signed in, their token, and the headers of the place where this login opened their account."""

    user: User
    token: str
    headers: dict[str, str]


async def sign_in_for_a_day(state: AppState, request: LoginRequest, address: str) -> DaySession:
    """Check the password as every login does, and begin a session of 24 hours."""
    user, headers = await service.check_login(state, request, address)
    return DaySession(user, await begin_day_session(state, user), headers)


async def begin_day_session(state: AppState, user: User) -> str:
    """Begin a session of 24 hours, and give its only token: it ends by logout, and is not refreshed."""
    assert state.settings.profile == "demo", "seed routers are served in the demo profile only"
    session_id, began = uuid4(), now()
    await state.database.ask(lambda db: store.begin_session(db, session_id, user.user_id, began + DAY))
    return state.tokens.issue(user.user_id, session_id, began, DAY)


def set_day_cookie(request: Request, response: Response, token: str, name: Literal["authToken", "token"]) -> None:
    """Set the cookie the seed's page reads."""
    set_login_cookie(request, response, token, int(DAY.total_seconds()), name)
