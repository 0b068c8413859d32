"""Where two seeds want one path: one handler, whose reply is the union of what each expects."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from api.app_state import StateDep
from api.auth.caller import REFUSALS as CALLER_REFUSALS
from api.auth.caller import Caller, InPerson, authenticate, in_person, sessions_in_cookies
from api.auth.limiting import BY_ADDRESS
from api.compat.balances import Purse, purse_of
from api.compat.declared import ANYONE, NEW_USER, OR_NOBODY, READ, SCHEMES, SIGNED, SIGNED_IN, SIGNED_UP
from api.compat.replies import encoded, written
from api.compat.routes import SeedRoute
from api.compat.sessions import SignIn, SignUp, Welcome, sign_in, sign_up, welcome
from api.compat.trading import account_now
from api.credentials.cookies import take_back_cookies
from api.dispatch.dispatcher import DispatcherDep
from api.dispatch.read_your_writes import KNOWN_OR_REFUSED
from api.http.numbers import Text
from api.http.problems import (
    CREDENTIALS_CONFLICT,
    CROSS_SITE_REQUEST,
    NOT_AUTHENTICATED,
    RATE_LIMITED,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    ApiError,
    malformed,
)
from api.http.times import now, text_of
from api.users import service
from api.users.schemas import UserReply, user_reply
from api.venue import keys

# There is no session to end, none any more, or one each of two users.
OVER: Final = (NOT_AUTHENTICATED, TOKEN_INVALID, TOKEN_EXPIRED, CREDENTIALS_CONFLICT)


class Registration(SignUp):
    """A new user: seed 003's has a name, seed 002's has keys of Binance's testnet."""

    binanceApiKey: Annotated[Text, Field(max_length=200)] | None = None  # noqa: N815  # The seed's own names.
    binanceSecretKey: Annotated[Text, Field(max_length=200)] | None = None  # noqa: N815


class Message(BaseModel):
    """What was done."""

    message: str


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    timestamp: str


router = APIRouter(tags=["seeds 000, 002 and 003"], route_class=SeedRoute)


@router.post(
    "/auth/register",
    status_code=201,
    response_model=Welcome,
    responses=SeedRoute.refusals(*SIGNED_UP),
    dependencies=NEW_USER,
)
async def register_of_seeds(
    state: StateDep, dispatcher: DispatcherDep, request: Request, body: Registration
) -> Response:
    """Make a user and their account, keep the venue's keys that came with them, and sign them in for a day."""
    if (body.binanceApiKey is None) != (body.binanceSecretKey is None):
        raise malformed("/binanceSecretKey", "is given with binanceApiKey, or neither is")
    user_id = uuid4()
    also: Callable[[Connection], object] = service.nothing_else
    if body.binanceApiKey is not None and body.binanceSecretKey is not None:
        sealed = keys.sealed(state.settings, user_id, body.binanceApiKey, body.binanceSecretKey)
        also = partial(keys.put, user_id=user_id, keys=sealed)
    session = await sign_up(state, dispatcher, request, body, user_id, also)
    return welcome(state, session, request, "token", "User created successfully", 201)


@router.post("/auth/login", response_model=Welcome, responses=SeedRoute.refusals(*SIGNED_IN), dependencies=ANYONE)
async def login_of_seeds(state: StateDep, dispatcher: DispatcherDep, request: Request, body: SignIn) -> Response:
    """Sign in for a day."""
    session = await sign_in(state, dispatcher, request, body)
    return welcome(state, session, request, "token", "User logged in successfully")


@router.post(
    "/auth/logout",
    response_model=Message,
    responses=SeedRoute.refusals(*CALLER_REFUSALS, RATE_LIMITED, CROSS_SITE_REQUEST),
    dependencies=[*SCHEMES, BY_ADDRESS],
    openapi_extra=OR_NOBODY,
)
async def logout_of_seeds(state: StateDep, request: Request) -> Response:
    """End this session, if there is one, and those of this browser's cookies: their tokens are worth nothing now."""
    try:
        caller = await in_person(await authenticate(request, state))
    except ApiError as error:
        if error.kind not in OVER:
            raise
    else:
        await service.logout(state.database, caller)
    await service.logout_sessions(state.database, sessions_in_cookies(request, state))
    response = written(Message(message="Logout successful"))
    take_back_cookies(response)
    return response


@router.get(
    "/auth/me",
    response_model=UserReply,
    responses=SeedRoute.refusals(*CALLER_REFUSALS, RATE_LIMITED),
    dependencies=SIGNED,
)
async def me_of_seeds(caller: InPerson) -> Response:
    """Say who is signed in."""
    return encoded(user_reply(caller.user).model_dump())


@router.get(
    "/balance",
    response_model=Purse,
    responses=SeedRoute.refusals(*READ),
    dependencies=[*SIGNED, KNOWN_OR_REFUSED],
)
async def balance_of_seeds(state: StateDep, caller: Caller) -> Response:
    """Give the free money, in cents, as seeds 000 and 003 read it."""
    return written(purse_of(await account_now(state, caller.account_id), caller))


@router.get("/health")
async def health_of_seeds() -> Health:
    """Say that the process answers."""
    return Health(timestamp=text_of(now()))
