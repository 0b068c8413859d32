"""Routes of users: register, login, refresh, logout, password, sessions, me, and the deletion of oneself."""

from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Depends, Request, Response

from api.app_state import CredentialsDep, DatabaseDep, DeletionsDep, SettingsDep, StateDep
from api.auth.caller import REFUSALS, SESSION_SCHEMES, InPerson, authenticate, in_person
from api.auth.cross_site import refuse_cross_site
from api.auth.limiting import REGISTERS
from api.auth.origins import origin_of
from api.credentials.cookies import (
    REFRESH_COOKIE,
    forget_device,
    refresh_cookie,
    set_device_cookie,
    set_login_cookie,
    set_refresh_cookie,
    take_back_cookies,
)
from api.credentials.tokens import DEVICE_LIFETIME, LIFETIME
from api.http.numbers import ExactRoute
from api.http.problems import (
    BAD_CREDENTIALS,
    CROSS_SITE_REQUEST,
    DATABASE_UNAVAILABLE,
    EMAIL_TAKEN,
    LOGIN_TOO_OLD,
    MALFORMED,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    PASSWORD_WRONG,
    PASSWORDS_BUSY,
    TOKEN_INVALID,
    TOO_MANY_LOGINS,
    ApiError,
    problem_response,
    responses,
)
from api.users import deletion, own_sessions, passwords, service
from api.users.forms import BODY, LoginBody
from api.users.opening import AccountOpenerDep
from api.users.schemas import (
    DeletionReply,
    PasswordRequest,
    RegisterRequest,
    SessionsReply,
    TokenReply,
    UserReply,
    user_reply,
)
from api.users.service import REFRESH_LIFETIME, SessionTokens

_ANYONE: Final = (CROSS_SITE_REQUEST, MALFORMED, DATABASE_UNAVAILABLE)
_SIGNED_IN: Final = responses(*REFUSALS)

router = APIRouter(prefix="/auth", tags=["auth"], route_class=ExactRoute)


async def _shown(_: Annotated[str | None, Cookie(alias=REFRESH_COOKIE)] = None) -> None:
    """Declare the cookie in OpenAPI; over https it is `__Secure-refresh`, and `refresh_cookie` reads either."""


@router.post(
    "/register", status_code=201, dependencies=[REGISTERS], responses=responses(EMAIL_TAKEN, PASSWORDS_BUSY, *_ANYONE)
)
async def register(
    settings: SettingsDep,
    opener: AccountOpenerDep,
    database: DatabaseDep,
    credentials: CredentialsDep,
    request: Request,
    body: RegisterRequest,
    response: Response,
) -> UserReply:
    """Make a user and their account; in the demo profile it begins with 5,000 USDC."""
    refuse_cross_site(request, settings)
    registered = await service.register(opener, database, credentials, body, origin_of(request))
    response.headers.update(registered.headers)
    return user_reply(registered.user)


@router.post(
    "/login", openapi_extra=BODY, responses=responses(BAD_CREDENTIALS, TOO_MANY_LOGINS, PASSWORDS_BUSY, *_ANYONE)
)
async def login(
    settings: SettingsDep,
    opener: AccountOpenerDep,
    database: DatabaseDep,
    credentials: CredentialsDep,
    request: Request,
    body: LoginBody,
    response: Response,
) -> TokenReply:
    """Sign in, by JSON or by OAuth2's password form.

    The reply's token is in the cookie `session` too; what renews it is in the cookie `refresh` only. By the cookie
    `device`, which stays after a logout, and by its address who signed in before gets in, however often others guess.
    """
    refuse_cross_site(request, settings)
    signed_in = await service.login(opener, database, credentials, body, origin_of(request))
    response.headers.update(signed_in.headers)
    return _token(request, response, signed_in)


@router.post(
    "/refresh",
    dependencies=[Depends(_shown)],
    responses=responses(NOT_AUTHENTICATED, TOKEN_INVALID, *_ANYONE),
    response_model=TokenReply,
)
async def refresh(
    settings: SettingsDep, database: DatabaseDep, credentials: CredentialsDep, request: Request, response: Response
) -> TokenReply | Response:
    """Change the cookie `refresh` for the next one, and get a new access token.

    Each is used once. A used one that comes again, after ten seconds in which a second tab may, ends the session.
    """
    refuse_cross_site(request, settings)
    token = refresh_cookie(request)
    if token is None:
        raise ApiError(NOT_AUTHENTICATED, "There is no cookie `refresh`")
    try:
        return _token(request, response, await service.refresh(database, credentials.tokens, token))
    except ApiError as error:
        refused = problem_response(error, request.url.path)
        take_back_cookies(refused)
        forget_device(refused)
        return refused


@router.post(
    "/logout",
    status_code=204,
    dependencies=[*SESSION_SCHEMES, Depends(_shown)],
    responses=responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED),
)
async def logout(state: StateDep, request: Request, response: Response) -> None:
    """End this session: its tokens are worth nothing from here on. The cookie `refresh` is enough to end its own."""
    token = refresh_cookie(request)
    try:
        await service.logout(state.database, await in_person(await authenticate(request, state)))
    except ApiError as error:
        refuse_cross_site(request, state.settings)
        if (
            error.kind.status != NOT_AUTHENTICATED.status
            or token is None
            or not await service.logout_of(state.database, token)
        ):
            raise
    take_back_cookies(response)


@router.post(
    "/logout-everywhere",
    status_code=204,
    dependencies=SESSION_SCHEMES,
    responses=responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED),
)
async def logout_everywhere(database: DatabaseDep, caller: InPerson, response: Response) -> None:
    """End every session of yours, on every device; API keys stay."""
    await service.logout_everywhere(database, caller)
    take_back_cookies(response)


@router.post(
    "/password",
    status_code=204,
    dependencies=SESSION_SCHEMES,
    responses=responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED, PASSWORD_WRONG, TOO_MANY_LOGINS, PASSWORDS_BUSY),
)
async def change_password(
    database: DatabaseDep, credentials: CredentialsDep, request: Request, caller: InPerson, body: PasswordRequest
) -> None:
    """Change your password, knowing the one you have; every other session of yours ends, API keys stay.

    A wrong one counts as a failed login. Who signed in with the old one a moment before is out as well.
    """
    await passwords.change_password(database, credentials, caller, body, origin_of(request))


@router.get("/sessions", dependencies=SESSION_SCHEMES, responses=_SIGNED_IN)
async def list_sessions(database: DatabaseDep, caller: InPerson) -> SessionsReply:
    """List where you are signed in: with which program, from where, since when, and when it was last seen."""
    return await own_sessions.list_sessions(database, caller)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    dependencies=SESSION_SCHEMES,
    responses=responses(*REFUSALS, CROSS_SITE_REQUEST, NOT_FOUND, MALFORMED),
)
async def end_session(database: DatabaseDep, caller: InPerson, session_id: str, response: Response) -> None:
    """End one session of yours: its tokens are worth nothing from here on. With the current one its device goes."""
    if await own_sessions.end_session(database, caller, session_id):
        take_back_cookies(response)
        forget_device(response)


@router.get("/me", dependencies=SESSION_SCHEMES, responses=_SIGNED_IN)
async def me(caller: InPerson) -> UserReply:
    """Say who is signed in."""
    return user_reply(caller.user)


@router.delete(
    "/me",
    status_code=202,
    dependencies=SESSION_SCHEMES,
    responses=responses(*REFUSALS, CROSS_SITE_REQUEST, LOGIN_TOO_OLD),
)
async def delete_me(
    database: DatabaseDep, deletions: DeletionsDep, caller: InPerson, response: Response
) -> DeletionReply:
    """Delete yourself, within fifteen minutes of a login.

    At once your email, name and password are gone from the database, your sessions over and your keys revoked. Your
    positions are closed as soon as their markets have a price; the ledger, which knows no names, is kept. Orders that
    rest at the venue are cancelled there; the keys for that are gone when none rests, or after a day.
    """
    open_positions = await deletion.delete_user(database, deletions, caller)
    take_back_cookies(response)
    forget_device(response)
    return DeletionReply(status="closing", open_positions=open_positions)


def _token(request: Request, response: Response, signed_in: SessionTokens) -> TokenReply:
    seconds = int(LIFETIME.total_seconds())
    set_login_cookie(request, response, signed_in.token, seconds)
    set_refresh_cookie(request, response, signed_in.refresh_token, int(REFRESH_LIFETIME.total_seconds()))
    if signed_in.device_token is not None:
        set_device_cookie(request, response, signed_in.device_token, int(DEVICE_LIFETIME.total_seconds()))
    response.headers["Cache-Control"] = "no-store"
    return TokenReply(access_token=signed_in.token, expires_in=seconds)
