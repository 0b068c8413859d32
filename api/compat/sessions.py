"""How a seed's client signs up and in: one token, in the reply and in the cookie its seed names, good for a day."""

from collections.abc import Callable
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from api.app_state import AppState
from api.auth.caller import SignedInUser, authenticate
from api.auth.cross_site import is_foreign_page
from api.auth.origins import origin_of
from api.compat.day_sessions import DaySession, new_day_session, set_day_cookie, sign_in_for_a_day
from api.compat.replies import encoded
from api.credentials.cookies import set_device_cookie
from api.credentials.tokens import DEVICE_LIFETIME, now
from api.dispatch.dispatcher import Dispatcher
from api.http.numbers import Text
from api.http.problems import NOT_AUTHENTICATED, ApiError
from api.http.seed_clients import SeedCookie
from api.store.users import begin_session
from api.users import service
from api.users.opening import account_opener
from api.users.schemas import PASSWORD_MAX, Email, LoginEmail, LoginRequest, RegisterRequest, UserShort

PASSWORD_MIN: Final = 6  # what the seeds' own forms ask for; their routes are served in the demo profile only


class SignUp(BaseModel):
    """A new user, whatever else the body says."""

    email: Email
    password: Annotated[Text, Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX, examples=["abc123"])]
    name: Annotated[Text, Field(max_length=100)] | None = None


class SignIn(BaseModel):
    """Credentials, whatever else the body says."""

    email: LoginEmail
    password: Annotated[Text, Field(max_length=PASSWORD_MAX, examples=["correct horse battery"])]


class Welcome(BaseModel):
    """Who is signed in, and by which token."""

    success: bool = True
    message: str = Field(examples=["User created successfully"])
    token: str
    user: UserShort


async def sign_up(
    state: AppState,
    dispatcher: Dispatcher,
    request: Request,
    body: SignUp,
    user_id: UUID | None = None,
    also: Callable[[Connection], object] = service.nothing_else,
) -> DaySession:
    """Register a user together with their session: where it cannot be stored there is no user, and the email is free.

    also: what else is stored with the user, or none of it is.
    """
    # Checked already, by the rule for passwords that holds here.
    wanted = RegisterRequest.model_construct(email=body.email, password=body.password, name=body.name)
    user_id, origin = user_id or uuid4(), origin_of(request)
    session, token = new_day_session(state, user_id, origin)

    def stored_with_it(db: Connection) -> None:
        also(db)
        begun = begin_session(db, session)
        assert begun, "the user was stored a moment ago, in this transaction"

    user, headers = await service.register(
        account_opener(state, dispatcher),
        state.database,
        state.credentials,
        wanted,
        origin,
        user_id,
        stored_with_it,
    )
    return DaySession(user, token, headers)


async def sign_in(state: AppState, dispatcher: Dispatcher, request: Request, body: SignIn) -> DaySession:
    """Begin a session."""
    return await sign_in_for_a_day(
        state, dispatcher, LoginRequest(email=body.email, password=body.password), origin_of(request)
    )


def welcome(
    state: AppState, session: DaySession, request: Request, cookie: SeedCookie, message: str, status: int = 200
) -> Response:
    """Answer with the token, and set it as the cookie this seed's clients send back.

    A page of any origin may sign in, as at the seeds' servers, but only an allowed one has the browser keep a cookie.
    """
    user = session.user
    body = Welcome(
        message=message,
        token=session.token,
        user=UserShort(id=str(user.user_id), email=user.email, name=user.name),
    )
    response = encoded(body.model_dump(), status, session.headers | {"Cache-Control": "no-store"})
    if not is_foreign_page(request, state.settings):
        set_day_cookie(request, response, session.token, cookie)
        device_token = state.credentials.tokens.issue_device(user.user_id, now())
        set_device_cookie(request, response, device_token, int(DEVICE_LIFETIME.total_seconds()))
    return response


async def caller_or_nobody(request: Request, state: AppState) -> SignedInUser | None:
    """Give who sent the request; null where nobody says who they are. Bad credentials are refused."""
    try:
        return await authenticate(request, state)
    except ApiError as error:
        if error.kind is NOT_AUTHENTICATED:
            return None
        raise
